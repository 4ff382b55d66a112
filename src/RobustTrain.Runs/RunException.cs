namespace RobustTrain.Runs;

/// <summary>
/// An error that the operator can act on. The message is one sentence that says what was found, where, and what was expected.
/// </summary>
/// <param name="exitCode">The exit code with which <c>robusttrain</c> ends.</param>
/// <param name="errorId">A stable id for scripts, for example <c>ConfigurationUnknownKey</c>.</param>
/// <param name="message">One sentence for the operator.</param>
/// <param name="target">The object at fault: a path, a key, a value.</param>
/// <param name="innerException">The cause, if another exception is.</param>
public class RunException(ExitCode exitCode, string errorId, string message, object? target = null, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The exit code with which <c>robusttrain</c> ends.</summary>
    public ExitCode ExitCode { get; } = exitCode;

    /// <summary>A stable id for scripts.</summary>
    public string ErrorId { get; } = errorId;

    /// <summary>The object at fault: a path, a key, a value.</summary>
    public object? Target { get; } = target;
}

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
