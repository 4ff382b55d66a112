using System.ComponentModel;
using System.Management.Automation;
using RobustTrain.Monitoring;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Words;

/// <summary>The one place where exceptions become error records: a stable id, the right category, the object at fault.</summary>
public static class ErrorRecords
{
    /// <summary>The record of an exception.</summary>
    /// <param name="exception">What went wrong.</param>
    /// <param name="target">The object at fault, where the exception does not know it.</param>
    public static ErrorRecord From(Exception exception, object? target)
    {
        exception = Unwrap(exception);
        return exception switch
        {
            IContainsErrorRecord { ErrorRecord: { } known } => new ErrorRecord(known, exception),
            RunException run => new ErrorRecord(run, run.ErrorId, CategoryOf(run), run.Target ?? target),
            MonitorException monitor => new ErrorRecord(monitor, monitor.ErrorId, CategoryOf(monitor), monitor.Target ?? target),
            FileNotFoundException file => new ErrorRecord(file, "FileNotFound", ErrorCategory.ObjectNotFound, file.FileName ?? target),
            DirectoryNotFoundException => new ErrorRecord(exception, "FolderNotFound", ErrorCategory.ObjectNotFound, target),
            UnauthorizedAccessException => new ErrorRecord(exception, "AccessDenied", ErrorCategory.PermissionDenied, target),
            IOException => new ErrorRecord(exception, "InputOutput", ErrorCategory.ResourceUnavailable, target),
            TimeoutException => new ErrorRecord(exception, "TimedOut", ErrorCategory.OperationTimeout, target),
            OperationCanceledException => new ErrorRecord(exception, "Cancelled", ErrorCategory.OperationStopped, target),
            ArgumentException => new ErrorRecord(exception, "InvalidArgument", ErrorCategory.InvalidArgument, target),
            Win32Exception => new ErrorRecord(exception, "OperatingSystem", ErrorCategory.ResourceUnavailable, target),
            PlatformNotSupportedException => new ErrorRecord(exception, "NotSupportedHere", ErrorCategory.NotImplemented, target),
            _ => new ErrorRecord(exception, "Unexpected", ErrorCategory.NotSpecified, target),
        };
    }

    /// <summary>
    /// Whether an exception is one that an operator can cause and act on. Such an error ends the work on one input object only;
    /// any other ends the pipeline.
    /// </summary>
    public static bool IsExpected(Exception exception) => Unwrap(exception)
        is RunException or MonitorException or IOException or UnauthorizedAccessException or TimeoutException or Win32Exception or IContainsErrorRecord;

    private static Exception Unwrap(Exception exception)
    {
        while (exception is AggregateException { InnerExceptions: [Exception only] })
            exception = only;

        return exception;
    }

    private static ErrorCategory CategoryOf(MonitorException exception) => exception.ErrorId switch
    {
        var id when id.EndsWith("NotFound", StringComparison.Ordinal) || id is "HostUnknown" => ErrorCategory.ObjectNotFound,
        var id when id.EndsWith("OutOfRange", StringComparison.Ordinal) || id is "HostNameInvalid" => ErrorCategory.InvalidArgument,
        var id when id.EndsWith("TimedOut", StringComparison.Ordinal) || id is "SourceHangs" => ErrorCategory.OperationTimeout,
        var id when id.EndsWith("Malformed", StringComparison.Ordinal) => ErrorCategory.InvalidData,
        "HostKeyChanged" or "HostKeyUnknown" => ErrorCategory.SecurityError,
        "SshKeyRefused" or "NvmlNoPermission" => ErrorCategory.PermissionDenied,
        "ConnectionRefused" or "ConnectionClosed" or "HostUnreachable" or "SshFailed" => ErrorCategory.ConnectionError,
        "OutputNotWritable" => ErrorCategory.WriteError,
        "SshConfigInvalid" or "AlertNotWatched" or "SourceWithoutEffect" or "IncludeCoreWithoutEffect" or "IdleNotGiven" => ErrorCategory.InvalidArgument,
        "NothingToWatch" or "NoGpuToWaitFor" => ErrorCategory.ObjectNotFound,
        _ => ErrorCategory.ResourceUnavailable,
    };

    private static ErrorCategory CategoryOf(RunException exception)
    {
        if (exception.ErrorId.EndsWith("NotFound", StringComparison.Ordinal))
            return ErrorCategory.ObjectNotFound;

        return exception.ExitCode switch
        {
            ExitCode.Configuration => ErrorCategory.InvalidArgument,
            ExitCode.Data => ErrorCategory.InvalidData,
            ExitCode.Numeric => ErrorCategory.InvalidResult,
            ExitCode.OutOfMemory => ErrorCategory.ResourceUnavailable,
            ExitCode.Stopped => ErrorCategory.OperationStopped,
            _ => ErrorCategory.NotSpecified,
        };
    }
}
