using System.Runtime.InteropServices;

namespace RobustTrain.Host.Stopping;

/// <summary>What the process that started this one has decided about a signal: ignored signals stay ignored across exec.</summary>
internal static partial class SignalDisposition
{
    private const nint Default = 0;

    /// <summary>Whether a signal is ignored; false where the system doesn't tell.</summary>
    public static bool IsIgnored(int signal)
    {
        // proc(5): SigIgn is a mask in hexadecimal, bit N-1 for signal N.
        const string prefix = "SigIgn:";
        string? line = OperatingSystem.IsLinux()
            ? File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(prefix, StringComparison.Ordinal))
            : null;
        return line is not null && (Convert.ToUInt64(line[prefix.Length..].Trim(), 16) >> (signal - 1) & 1) == 1;
    }

    /// <summary>Has a signal arrive that is ignored; .NET's handlers respect what they find, so this comes before they are registered.</summary>
    public static void Unignore(int signal)
    {
        if (IsIgnored(signal))
            _ = SetHandler(signal, Default);
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint SetHandler(int signal, nint handler);
}
