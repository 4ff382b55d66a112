using System.Runtime.InteropServices;

namespace RobustTrain.Runs.Interop;

/// <summary>The calls that flush a folder; .NET opens no handle on one.</summary>
internal static partial class PosixDirectory
{
    private const int ReadOnly = 0;

    /// <summary>Flushes a folder's entries to the disk (POSIX fsync).</summary>
    public static void Flush(string path)
    {
        int descriptor = Open(path, ReadOnly);
        if (descriptor < 0)
            throw Failure(path);
        try
        {
            if (Fsync(descriptor) != 0)
                throw Failure(path);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException Failure(string path)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{Marshal.GetPInvokeErrorMessage(error)}: '{path}'", error);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
