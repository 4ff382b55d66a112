using System.Runtime.InteropServices;

namespace RobustTrain.Platform;

/// <summary>POSIX signals by their numbers.</summary>
public static class PosixSignals
{
    /// <summary>The terminal's interrupt (SIGINT).</summary>
    public const int Interrupt = 2;

    /// <summary>Ends at once (SIGKILL).</summary>
    public const int Kill = 9;

    /// <summary>Asks to end (SIGTERM).</summary>
    public const int Terminate = 15;

    /// <summary>Makes a process stand still (SIGSTOP of Linux).</summary>
    public const int Stop = 19;

    private const nint DefaultHandler = 0;
    private const nint IgnoringHandler = 1;

    /// <summary>Sends a signal to a process.</summary>
    /// <returns>0, or the system's error number.</returns>
    public static int Send(int process, int signal) => Libc.Kill(process, signal) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Whether this process ignores a signal, as the one that started it may have decided; false where the system doesn't tell.</summary>
    public static bool IsIgnored(int signal)
    {
        // proc(5): SigIgn is a mask in hexadecimal, bit N-1 for signal N.
        return OperatingSystem.IsLinux() && ProcessFiles.TextOf("/proc/self", "SigIgn") is { } mask && (Convert.ToUInt64(mask, 16) >> (signal - 1) & 1) == 1;
    }

    /// <summary>Ignores a signal.</summary>
    public static void Ignore(int signal) => _ = Libc.SetHandler(signal, IgnoringHandler);

    /// <summary>Has a signal arrive that is ignored; .NET's handlers respect what they find, so this comes before they are registered.</summary>
    public static void Unignore(int signal)
    {
        if (IsIgnored(signal))
            _ = Libc.SetHandler(signal, DefaultHandler);
    }
}
