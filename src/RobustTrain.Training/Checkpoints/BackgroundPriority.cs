using System.Runtime.InteropServices;

namespace RobustTrain.Training.Checkpoints;

/// <summary>Lets a thread take only what the others leave of the processors.</summary>
internal static partial class BackgroundPriority
{
    // setpriority(2): on Linux a "process" of 0 is the calling thread; 19 is the nicest.
    private const int Process = 0;
    private const int Nicest = 19;

    /// <summary>Lowers the calling thread's priority for good. A system that refuses costs speed and nothing else.</summary>
    public static void Take()
    {
        if (OperatingSystem.IsLinux())
            _ = SetPriority(Process, 0, Nicest);
        else
            Thread.CurrentThread.Priority = ThreadPriority.Lowest;
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);
}
