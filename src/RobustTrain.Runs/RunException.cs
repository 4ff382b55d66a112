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
