namespace RobustTrain.Data.Loading.Ledger;

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
}
