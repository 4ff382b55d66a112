using System.Runtime.InteropServices;

namespace RobustTrain.Chaos;

/// <summary>Signals by number.</summary>
internal static partial class Signals
{
    public const int Kill = 9;
    public const int User1 = 10;
    public const int Terminate = 15;
    public const int Stop = 19;

    /// <summary>Sends a signal.</summary>
    /// <returns>False where there is no such process any more.</returns>
    public static bool Send(int processId, int signal) => SendSignal(processId, signal) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int processId, int signal);
}
