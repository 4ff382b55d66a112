using System.Diagnostics;
using System.Runtime.InteropServices;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Distributed.Joining;
using static TorchSharp.torch;

namespace RobustTrain.Bench.TrainingStep;

/// <summary>The sum of a vector of each rank's, at all ranks: in the fixed order over shards, and by MPI's own function in an order of its own.</summary>
internal static unsafe class AllReduce
{
    private const int Float = 0x4c00040a;
    private const int Sum = 0x58000003;
    private const int World = 0x44000000;
    private const int Rounds = 15;

    /// <summary>Runs at each rank; the first one prints.</summary>
    public static void Run(RankGroup group, int megabytes)
    {
        set_num_threads(1);
        var allReduce = (delegate* unmanaged<nint, nint, int, int, int, int, int>)NativeLibrary.GetExport(NativeLibrary.Load("libmpich.so.12"), "MPI_Allreduce");
        int length = megabytes * 250_000;
        using ShardSum ours = new(new Ranks(group.Communicator), group.Size, length, CPU);
        float[] theirs = GC.AllocateArray<float>(length, pinned: true);
        nint memory = Marshal.UnsafeAddrOfPinnedArrayElement(theirs, 0);
        List<double> own = [], mpi = [];
        TimeSpan ownProcessor = default, mpiProcessor = default;
        for (int round = -2; round < Rounds; round++)
        {
            double Measure(string name, Action act)
            {
                group.Communicator.Barrier(new CollectivePurpose(name, 0));
                long began = Stopwatch.GetTimestamp();
                act();
                group.Communicator.Barrier(new CollectivePurpose(name, 0));
                return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            }

            TimeSpan before = Environment.CpuUsage.TotalTime;
            double first = Measure("ours", () => ours.Combine(0));
            TimeSpan between = Environment.CpuUsage.TotalTime;
            double second = Measure("MPI's", () =>
            {
                // In place (MPI_IN_PLACE).
                if (allReduce(-1, memory, length, Float, Sum, World) != 0)
                    throw new InvalidOperationException("MPI_Allreduce failed.");
            });
            if (round < 0)
                continue;
            ownProcessor += between - before;
            mpiProcessor += Environment.CpuUsage.TotalTime - between;
            own.Add(first);
            mpi.Add(second);
        }

        if (group.Rank == 0)
        {
            Console.WriteLine(FormattableString.Invariant($"all-reduce of {megabytes} MB over {group.Size} ranks: ours {Statistics.Median(own):F1} ms ({own.Min():F1} to {own.Max():F1}; {ownProcessor.TotalMilliseconds / Rounds:F1} ms of processor time of a rank), MPI_Allreduce {Statistics.Median(mpi):F1} ms ({mpi.Min():F1} to {mpi.Max():F1}; {mpiProcessor.TotalMilliseconds / Rounds:F1}); ours has {Statistics.Median(mpi.Zip(own, (their, our) => their / our)):F2} of MPI's bandwidth (round by round)"));
        }
    }
}
