using System.Runtime.InteropServices;
using RobustTrain.Cmdlets.Resources;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Processes;

/// <summary>Signals to processes that this one did not start.</summary>
internal static partial class Signals
{
    /// <summary>Ends at once (SIGKILL).</summary>
    public const int Kill = 9;

    /// <summary>Asks to end (SIGTERM).</summary>
    public const int Terminate = 15;

    /// <summary>Sends a signal to a process, if it is still the one that it was.</summary>
    /// <exception cref="RunException">The process belongs to another user, or the system knows no such signal.</exception>
    public static void Send(ProcessIdentity process, int signal, object target)
    {
        if (process.IsAlive() != true)
            return;

        if (OperatingSystem.IsWindows())
        {
            if (signal != Kill)
                throw new RunException(ExitCode.Configuration, "NoSignalsHere", Strings.Format("NoSignalsHere"), target);

            using var found = System.Diagnostics.Process.GetProcessById(process.ProcessId);
            found.Kill(entireProcessTree: true);
            return;
        }

        const int noSuchProcess = 3;
        if (SendSignal(process.ProcessId, signal) != 0 && Marshal.GetLastPInvokeError() is var error and not noSuchProcess)
            throw new RunException(ExitCode.Configuration, "SignalRefused", Strings.Format("SignalRefused", process.ProcessId, Marshal.GetPInvokeErrorMessage(error)), target);
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);
}
