using System.Diagnostics;
using RobustTrain.Data.Loading.Ring;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>Where the time of an epoch's loading went. Workers' times are summed over all workers.</summary>
public sealed record LoaderStatistics
{
    /// <summary>Workers at the end; 0 where the consumer's thread loads.</summary>
    public int Workers { get; init; }

    /// <summary>Batches delivered.</summary>
    public int Batches { get; init; }

    /// <summary>Samples loaded.</summary>
    public long Samples { get; init; }

    /// <summary>Seconds of reading files.</summary>
    public double ReadSeconds { get; init; }

    /// <summary>Seconds of decoding images.</summary>
    public double DecodeSeconds { get; init; }

    /// <summary>Seconds of augmenting and writing into batches.</summary>
    public double AugmentSeconds { get; init; }

    /// <summary>Seconds that workers waited for work.</summary>
    public double WorkerWaitSeconds { get; init; }

    /// <summary>Seconds that the consumer waited for a batch, or loaded it itself.</summary>
    public double ConsumerWaitSeconds { get; init; }

    /// <summary>Seconds of these that went neither into waiting for samples nor into loading them: publishing batches and taking them over.</summary>
    public double HandOverSeconds { get; init; }

    /// <summary>Seconds since the stream was opened.</summary>
    public double ElapsedSeconds { get; init; }

    /// <summary>Seconds until the first batch was there.</summary>
    public double FirstBatchSeconds { get; init; }

    /// <summary>The share of the time that the consumer waited for data, 0 to 1.</summary>
    public double ConsumerWaitShare => ElapsedSeconds > 0 ? Math.Min(1, ConsumerWaitSeconds / ElapsedSeconds) : 0;

    /// <summary>What one worker has loaded, and where its time went.</summary>
    internal static unsafe LoaderStatistics Of(Heartbeat* heartbeat) => new()
    {
        Samples = Volatile.Read(ref heartbeat->Samples),
        ReadSeconds = Seconds(heartbeat->Stages[LoadStage.Read]),
        DecodeSeconds = Seconds(heartbeat->Stages[LoadStage.Decode]),
        AugmentSeconds = Seconds(heartbeat->Stages[LoadStage.Augment]),
        WorkerWaitSeconds = Seconds(Volatile.Read(ref heartbeat->WaitTicks)),
    };

    /// <summary>The samples and the times of other workers added.</summary>
    internal LoaderStatistics Plus(LoaderStatistics other) => Combine(other, 1);

    /// <summary>The samples and the workers' times since an earlier moment.</summary>
    internal LoaderStatistics Since(LoaderStatistics earlier) => Combine(earlier, -1);

    /// <summary>Ticks of the stopwatch as seconds.</summary>
    internal static double Seconds(long ticks) => (double)ticks / Stopwatch.Frequency;

    private LoaderStatistics Combine(LoaderStatistics other, int sign) => this with
    {
        Samples = Samples + (sign * other.Samples),
        ReadSeconds = ReadSeconds + (sign * other.ReadSeconds),
        DecodeSeconds = DecodeSeconds + (sign * other.DecodeSeconds),
        AugmentSeconds = AugmentSeconds + (sign * other.AugmentSeconds),
        WorkerWaitSeconds = WorkerWaitSeconds + (sign * other.WorkerWaitSeconds),
    };
}
