using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace RobustTrain.Runs.Interop;

/// <summary>Turns the page cache off and on for an open file of Linux (O_DIRECT).</summary>
internal static partial class PosixFile
{
    private const int GetFlags = 3;
    private const int SetFlags = 4;

    // The architectures don't agree on the bit.
    private static readonly int s_direct =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm or Architecture.Ppc64le ? 0x10000 : 0x4000;

    /// <summary>Sets or clears O_DIRECT.</summary>
    /// <returns>False where the file system refuses it.</returns>
    public static bool TrySetDirect(SafeFileHandle file, bool isDirect)
    {
        int flags = Control(file, GetFlags, 0);
        return flags >= 0 && Control(file, SetFlags, isDirect ? flags | s_direct : flags & ~s_direct) == 0;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafeFileHandle file, int command, int argument);
}
