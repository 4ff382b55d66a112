using Microsoft.Win32.SafeHandles;
using RobustTrain.Runs.Interop;

namespace RobustTrain.Runs;

/// <summary>Writes to files past the operating system's cache where it and the file system can, and through it where they can't.</summary>
public static class UncachedFile
{
    private const int InvalidArgument = 22;

    /// <summary>Makes writing to an open file go past the cache, if that can be.</summary>
    public static void Begin(SafeFileHandle file)
    {
        if (OperatingSystem.IsLinux())
            PosixFile.TrySetDirect(file, isDirect: true);
    }

    /// <summary>Writes. Several threads may, each to a place of its own.</summary>
    /// <param name="file">The file.</param>
    /// <param name="content">What to write; what doesn't lie in memory, or isn't as long, as the disk asks for goes through the cache.</param>
    /// <param name="offset">Where to write it.</param>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void Write(SafeFileHandle file, ReadOnlySpan<byte> content, long offset)
    {
        try
        {
            RandomAccess.Write(file, content, offset);
        }
        catch (IOException refused) when (refused.HResult == InvalidArgument && OperatingSystem.IsLinux() && PosixFile.TrySetDirect(file, isDirect: false))
        {
            RandomAccess.Write(file, content, offset);
        }
    }
}
