using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using RobustTrain.Platform;

namespace RobustTrain.Chaos;

/// <summary>Signals by number; on Windows, which has none, what does the same.</summary>
internal static partial class Signals
{
    public const int Kill = 9;
    public const int User1 = 10;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    /// <summary>The exit code of a process that was killed.</summary>
    public static readonly int KilledCode = OperatingSystem.IsWindows() ? -1 : 128 + Kill;

    /// <summary>Sends a signal; nothing happens where there is no such process any more.</summary>
    public static void Send(int processId, int signal)
    {
        if (OperatingSystem.IsWindows())
            SendOnWindows(processId, signal);
        else
            _ = SendSignal(processId, signal);
    }

    private static void SendOnWindows(int processId, int signal)
    {
        if (signal is Terminate or User1)
        {
            if (StopRequest.Send(processId) is { } refused)
                throw new InvalidOperationException($"Process {processId} can't be asked to stop: {refused}.");
            return;
        }

        try
        {
            using Process process = Process.GetProcessById(processId);
            if (signal == Kill)
                process.Kill();
            else if (OperatingSystem.IsWindows())
                _ = NativeSystem.Suspend(process.SafeHandle.DangerousGetHandle());
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // It has ended meanwhile.
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int processId, int signal);
}
