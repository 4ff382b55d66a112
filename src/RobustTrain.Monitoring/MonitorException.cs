namespace RobustTrain.Monitoring;

/// <summary>An error that the operator can act on: one sentence that says what was found, where, and what was expected.</summary>
/// <param name="errorId">A stable id for scripts, for example <c>NvmlNotFound</c>.</param>
/// <param name="message">One sentence for the operator.</param>
/// <param name="target">The object at fault: a host, an index, a path.</param>
/// <param name="innerException">The cause, if another exception is.</param>
public class MonitorException(string errorId, string message, object? target = null, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>A stable id for scripts.</summary>
    public string ErrorId { get; } = errorId;

    /// <summary>The object at fault.</summary>
    public object? Target { get; } = target;
}
