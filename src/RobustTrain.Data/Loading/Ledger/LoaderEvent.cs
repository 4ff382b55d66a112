namespace RobustTrain.Data.Loading.Ledger;

/// <summary>Something happened to a worker or a sample.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Message">One sentence for people.</param>
public sealed record LoaderEvent(LoaderEventKind Kind, string Message)
{
    /// <summary>The worker's name, as in <c>process-1</c>; null where none is at fault.</summary>
    public string? Worker { get; init; }

    /// <summary>The worker's process; null for threads.</summary>
    public int? ProcessId { get; init; }

    /// <summary>The epoch that was loaded; null between epochs.</summary>
    public int? Epoch { get; init; }

    /// <summary>The sample's index in the dataset; null where no sample is concerned.</summary>
    public int? SampleIndex { get; init; }

    /// <summary>The sample's name; null where no sample is concerned.</summary>
    public string? Sample { get; init; }
}

/// <summary>What happened in a loader.</summary>
public enum LoaderEventKind
{
    /// <summary>A worker is alive and takes samples.</summary>
    WorkerReady,

    /// <summary>A worker is gone: killed, crashed, or unable to start.</summary>
    WorkerDied,

    /// <summary>A worker stood still for longer than the timeout.</summary>
    WorkerStuck,

    /// <summary>A sample could not be loaded.</summary>
    SampleFailed,

    /// <summary>A sample is loaded again.</summary>
    SampleRetried,

    /// <summary>A batch goes without a sample.</summary>
    SampleSkipped,

    /// <summary>A sample is in quarantine from now on.</summary>
    SampleQuarantined,

    /// <summary>The file of the quarantine can't be written, so that later runs will try its samples again.</summary>
    QuarantineNotWritten,

    /// <summary>The rest of the epoch is loaded in the consumer's thread.</summary>
    FellBack,

    /// <summary>The number of workers was found or changed.</summary>
    WorkersChosen,

    /// <summary>The cache of decoded images had a damaged entry, which has been made anew.</summary>
    CacheDamaged,

    /// <summary>The disk refuses more decoded images, so that no more are cached.</summary>
    CacheNotWritten,
}
