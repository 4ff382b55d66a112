using System.Globalization;

namespace RobustTrain.Platform;

/// <summary>What an exit code says that a process has not chosen itself: 128 + N of a signal N, or a status of Windows' kernel.</summary>
public static class ExitStatus
{
    private const int SignalBase = 128;

    // What Process.Kill and Stop-Process give on Windows.
    private const int KilledOnWindows = -1;

    /// <summary>The exit code of a process of Windows that ends itself as one that was killed.</summary>
    internal const uint Killed = uint.MaxValue;

    /// <summary>How a process was ended that did not end itself, as in <c>killed by signal 9 (SIGKILL)</c>; null where it chose its code.</summary>
    public static string? Describe(int code) => OperatingSystem.IsWindows()
        ? code < 0 ? DescribeOnWindows(code) : null
        : code > SignalBase ? $"killed by signal {code - SignalBase} ({SignalName(code - SignalBase)})" : null;

    /// <summary>Whether somebody ended it, where it had not failed by itself.</summary>
    public static bool IsKill(int code) => OperatingSystem.IsWindows() ? code == KilledOnWindows : code is SignalBase + 9 or SignalBase + 15;

    private static string DescribeOnWindows(int code)
    {
        // ntstatus.h; 0x80131623 and 0xE0434352 are .NET's (corerror.h).
        string? name = (uint)code switch
        {
            0xC0000005 => "access violation",
            0xC0000017 or 0xC000012D => "out of memory",
            0xC000001D => "illegal instruction",
            0xC0000094 => "division by zero",
            0xC00000FD => "stack overflow",
            0xC000013A => "its console was closed or interrupted",
            0xC0000142 => "a library failed to start",
            0xC0000374 => "heap corruption",
            0xC0000409 => "fail fast",
            0x80131623 or 0x80131506 => "the runtime failed",
            0xE0434352 => "unhandled exception",
            _ => null,
        };
        return code == KilledOnWindows
            ? "killed by another process"
            : string.Create(CultureInfo.InvariantCulture, $"ended by status 0x{code:X8}{(name is null ? "" : $" ({name})")}");
    }

    private static string SignalName(int signal) => signal switch
    {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => "a signal",
    };
}
