namespace RobustTrain.Data.Loading;

/// <summary>Where the time of an epoch's loading went. Workers' times are summed over all workers.</summary>
public sealed record LoaderStatistics
{
    /// <summary>Workers at the end; 0 where the consumer's thread loads.</summary>
    public required int Workers { get; init; }

    /// <summary>Batches delivered.</summary>
    public required int Batches { get; init; }

    /// <summary>Samples loaded.</summary>
    public required long Samples { get; init; }

    /// <summary>Seconds of reading files.</summary>
    public required double ReadSeconds { get; init; }

    /// <summary>Seconds of decoding images.</summary>
    public required double DecodeSeconds { get; init; }

    /// <summary>Seconds of augmenting and writing into batches.</summary>
    public required double AugmentSeconds { get; init; }

    /// <summary>Seconds of loading that no stage names.</summary>
    public required double OtherSeconds { get; init; }

    /// <summary>Seconds that workers waited for a free slot.</summary>
    public required double WorkerWaitSeconds { get; init; }

    /// <summary>Seconds that the consumer waited for a batch, or loaded it itself.</summary>
    public required double ConsumerWaitSeconds { get; init; }

    /// <summary>Seconds of these that went neither into waiting for samples nor into loading them: publishing batches and taking them over.</summary>
    public required double HandOverSeconds { get; init; }

    /// <summary>Seconds since the stream was opened.</summary>
    public required double ElapsedSeconds { get; init; }

    /// <summary>Seconds until the first batch was there.</summary>
    public required double FirstBatchSeconds { get; init; }

    /// <summary>The share of the time that the consumer waited for data, 0 to 1.</summary>
    public double ConsumerWaitShare => ElapsedSeconds > 0 ? Math.Min(1, ConsumerWaitSeconds / ElapsedSeconds) : 0;
}
