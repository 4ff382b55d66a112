using System.Runtime.InteropServices;
using RobustTrain.Cmdlets.Resources;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Processes;

/// <summary>Signals to processes that this one did not start.</summary>
internal static class Signals
{
    /// <summary>Sends a signal to a process, if it is still the one that it was.</summary>
    /// <exception cref="RunException">The process belongs to another user, or the system knows no such signal.</exception>
    public static void Send(ProcessIdentity process, int signal, object target)
    {
        if (process.IsAlive() != true)
            return;

        if (OperatingSystem.IsWindows())
        {
            if (signal != PosixSignals.Kill)
                throw new RunException(ExitCode.Configuration, "NoSignalsHere", Strings.Format("NoSignalsHere"), target);

            using var found = System.Diagnostics.Process.GetProcessById(process.ProcessId);
            found.Kill(entireProcessTree: true);
            return;
        }

        if (PosixSignals.Send(process.ProcessId, signal) is not (0 or PosixError.NoSuchProcess) and int error)
            throw new RunException(ExitCode.Configuration, "SignalRefused", Strings.Format("SignalRefused", process.ProcessId, Marshal.GetPInvokeErrorMessage(error)), target);
    }
}
