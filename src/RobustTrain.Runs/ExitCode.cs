namespace RobustTrain.Runs;

/// <summary>How <c>robusttrain</c> ended; the same number stands in the run's record and in <c>$LASTEXITCODE</c>.</summary>
public enum ExitCode
{
    /// <summary>The work is finished.</summary>
    Finished = 0,

    /// <summary>An error that nobody foresaw.</summary>
    Unexpected = 1,

    /// <summary>The configuration, the usage or the environment is wrong; nothing was created or changed.</summary>
    Configuration = 2,

    /// <summary>More samples are unreadable than the error budget allows.</summary>
    Data = 3,

    /// <summary>A loss or a gradient is NaN or infinite.</summary>
    Numeric = 4,

    /// <summary>The memory of the host or of the device is not enough.</summary>
    OutOfMemory = 5,

    /// <summary>Stopped with a checkpoint; run it again to go on (<c>EX_TEMPFAIL</c> of sysexits.h).</summary>
    Stopped = 75,
}
