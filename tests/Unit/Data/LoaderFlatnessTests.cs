using System.Diagnostics;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Loading;

namespace RobustTrain.Tests.Data;

/// <summary>What a loader leaves in its whole process. Nothing else runs meanwhile, since that would be counted too.</summary>
[CollectionDefinition(nameof(LoaderFlatnessTests), DisableParallelization = true)]
[Collection(nameof(LoaderFlatnessTests))]
public sealed class LoaderFlatnessTests
{
    private static readonly LoaderOptions Options = new() { BatchSize = 8, Shuffle = true, Seed = 5, NumWorkers = 2 };

    [Fact]
    public void A_hundred_epochs_leave_memory_threads_handles_and_shared_memory_flat()
    {
        IntegersDataset dataset = new(200);
        LoaderOptions options = Options with { WorkerKind = WorkerKind.Process };
        using PrefetchLoader loader = new(dataset, options);
        for (int epoch = 0; epoch < 5; epoch++)
            Go(epoch);
        (int Descriptors, int Threads, long Bytes) before = Use();
        string[] shared = Directory.GetFileSystemEntries("/dev/shm");
        for (int epoch = 5; epoch < 105; epoch++)
            Go(epoch);
        (int Descriptors, int Threads, long Bytes) after = Use();
        Assert.InRange(after.Descriptors, 0, before.Descriptors);
        Assert.InRange(after.Threads, 0, before.Threads + 2);
        Assert.InRange(after.Bytes, 0, before.Bytes + (1 << 20));
        Assert.Equal(shared, Directory.GetFileSystemEntries("/dev/shm"));

        void Go(int epoch) => LoaderRun.Of(loader, [], epoch).MustBeWhole(dataset, options, epoch);
        static (int, int, long) Use()
        {
            // What former tests left to the finalizers is not this one's.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            using Process self = Process.GetCurrentProcess();
            return (Directory.GetFileSystemEntries("/proc/self/fd").Length, self.Threads.Count, GC.GetTotalMemory(forceFullCollection: true));
        }
    }

    [Fact]
    public void The_steady_state_allocates_nothing_that_grows_with_samples()
    {
        IntegersDataset dataset = new(200_000);
        long small = AllocatedBy(16);
        long large = AllocatedBy(1024);
        // A batch costs its own object and the stream's account; sixty-four times the samples cost no more.
        Assert.InRange(large, 0, small + 1000);

        long AllocatedBy(int batchSize)
        {
            using PrefetchLoader loader = new(dataset, Options with { BatchSize = batchSize });
            using EpochStream stream = loader.Open(0);
            long before = 0;
            for (int batch = 0; batch < 150; batch++)
            {
                if (batch == 50)
                    before = GC.GetTotalAllocatedBytes(precise: true);
                Assert.True(stream.MoveNext());
                stream.Current.Dispose();
            }

            return (GC.GetTotalAllocatedBytes(precise: true) - before) / 100;
        }
    }
}
