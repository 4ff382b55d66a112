using System.Diagnostics;
using RobustTrain.Data;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Tests.Data;

/// <summary>What a loader leaves in its whole process. Nothing else runs meanwhile, since that would be counted too.</summary>
[CollectionDefinition(nameof(LoaderFlatnessTests), DisableParallelization = true)]
[Collection(nameof(LoaderFlatnessTests))]
public sealed class LoaderFlatnessTests
{
    private static readonly LoaderOptions Options = new() { BatchSize = 8, Shuffle = true, Seed = 5, NumWorkers = 2 };

    [LinuxFact("It counts what is left in /proc.")]
    public void A_hundred_epochs_leave_memory_threads_handles_and_shared_memory_flat()
    {
        IntegersDataset dataset = new(200);
        LoaderOptions options = Options with { WorkerKind = WorkerKind.Process };
        using PrefetchLoader loader = new(dataset, options);
        for (int epoch = 0; epoch < 5; epoch++)
            Go(epoch);
        (int Descriptors, int Threads, long Bytes) before = Use();
        List<string> shared = LoaderProcesses.SharedMemory();
        for (int epoch = 5; epoch < 105; epoch++)
            Go(epoch);
        (int Descriptors, int Threads, long Bytes) after = default;
        // The thread pool of a loaded machine has more threads for a while.
        SpinWait.SpinUntil(() => (after = Use()) is var now && now.Descriptors <= before.Descriptors && now.Threads <= before.Threads + 2, TimeSpan.FromMinutes(1));
        Assert.InRange(after.Descriptors, 0, before.Descriptors);
        Assert.InRange(after.Threads, 0, before.Threads + 2);
        Assert.InRange(after.Bytes, 0, before.Bytes + (1 << 20));
        Assert.Empty(LoaderProcesses.SharedMemory().Except(shared));

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

    [LinuxFact("It counts what is left in /proc.")]
    public void Disposal_at_every_moment_leaves_no_thread()
    {
        LoaderThreads before = LoaderThreads.Now();
        IntegersDataset dataset = new(4000);
        for (int moment = 0; moment < 60; moment++)
        {
            PrefetchLoader loader = new(dataset, Options with { NumWorkers = 4 });
            EpochStream stream = loader.Open(0);
            for (int batch = 0; batch < moment % 7; batch++)
            {
                stream.MoveNext();
                stream.Current.Dispose();
            }

            Thread.SpinWait(moment * 500);
            if (moment % 2 == 0)
                stream.Dispose();
            loader.Dispose();
            stream.Dispose();
        }

        Assert.Empty(before.NewOnes());
    }

    [Fact]
    public void Disposal_at_every_moment_leaves_no_process()
    {
        for (int moment = 0; moment < 12; moment++)
        {
            PrefetchLoader loader = new(new IntegersDataset(4000), Options with { WorkerKind = WorkerKind.Process });
            EpochStream stream = loader.Open(0);
            Thread.Sleep(moment * 15);
            if (moment % 3 == 0)
            {
                stream.MoveNext();
                stream.Current.Dispose();
            }

            if (moment % 2 == 0)
                stream.Dispose();
            loader.Dispose();
            stream.Dispose();
        }

        Assert.Empty(LoaderProcesses.Alive());
    }

    [LinuxFact("It counts what is left in /proc.")]
    public void An_abandoned_thread_that_comes_back_writes_nowhere_it_should_not()
    {
        LoaderThreads before = LoaderThreads.Now();
        // It comes back while its slot carries later batches; the values of all batches are checked.
        LoaderOptions options = Options with
        {
            Faults = FaultPlan.Parse("stall:0.02") with { StallSeconds = 0.35 },
            Timeout = TimeSpan.FromMilliseconds(200),
            HealthCheckInterval = TimeSpan.FromMilliseconds(50),
            MaxErrors = 50,
            // It is to be abandoned before it comes back.
            StackTimeout = TimeSpan.Zero,
        };
        IntegersDataset dataset = new(400);
        LoaderRun run = LoaderRun.Of(dataset, options, onBatch: (_, _) => Thread.Sleep(5)).MustBeWhole(dataset, options);
        Assert.True(run.Ledger.WorkerFailures >= 2);
        Assert.Empty(before.NewOnes());
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
