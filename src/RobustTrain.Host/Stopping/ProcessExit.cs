using System.Diagnostics.CodeAnalysis;
using RobustTrain.Platform;

namespace RobustTrain.Host.Stopping;

/// <summary>The end of the process while a thread of it is at work in native code.</summary>
internal static class ProcessExit
{
    /// <summary>
    /// Ends the process at once. An orderly exit would take torch's own data from under the thread that still computes with it,
    /// which ends in a crash with another exit code.
    /// </summary>
    [DoesNotReturn]
    public static void With(int exitCode) => ThisProcess.Exit(exitCode);
}
