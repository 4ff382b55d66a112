using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace RobustTrain.Runs.Interop;

/// <summary>What Linux can do with an open file beyond reading and writing.</summary>
internal static partial class PosixFile
{
    private const int GetFlags = 3;
    private const int SetFlags = 4;
    private const int SetSignal = 10;
    private const int SetLease = 1024;
    private const int WriteLease = 1;
    private const int NoLease = 2;

    // Ignored unless a program asks for it; the usual signal of a lease that somebody else's opening breaks ends the process.
    private const int UrgentSignal = 23;

    // The architectures don't agree on the bit.
    private static readonly int s_direct =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm or Architecture.Ppc64le ? 0x10000 : 0x4000;

    /// <summary>Whether nobody else has the file open, this process elsewhere included; false, too, where the file system can't tell.</summary>
    public static bool IsOpenOnlyHere(SafeFileHandle file) =>
        Control(file, SetSignal, UrgentSignal) == 0 && Control(file, SetLease, WriteLease) == 0 && Control(file, SetLease, NoLease) == 0;

    /// <summary>Sets or clears O_DIRECT, which turns the page cache off.</summary>
    /// <returns>False where the file system refuses it.</returns>
    public static bool TrySetDirect(SafeFileHandle file, bool isDirect)
    {
        int flags = Control(file, GetFlags, 0);
        return flags >= 0 && Control(file, SetFlags, isDirect ? flags | s_direct : flags & ~s_direct) == 0;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafeFileHandle file, int command, int argument);
}
