using System.Runtime.InteropServices;

namespace RobustTrain.Runs.Interop;

/// <summary>The calls on folders that .NET lacks.</summary>
internal static partial class PosixDirectory
{
    private const int ReadOnly = 0;
    private const int CurrentFolder = -100;
    private const uint Exchange = 2;
    private const int InvalidArgument = 22;
    private const int NotImplemented = 38;
    private const int NotSupported = 95;

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

    /// <summary>Exchanges the names of two folders in one operation (renameat2 of Linux, RENAME_EXCHANGE).</summary>
    /// <returns>False where the file system or the C library has no such operation.</returns>
    public static bool TryExchange(string path, string other)
    {
        try
        {
            if (RenameAt2(CurrentFolder, path, CurrentFolder, other, Exchange) == 0)
                return true;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }

        return Marshal.GetLastPInvokeError() is InvalidArgument or NotImplemented or NotSupported ? false : throw Failure(other);
    }

    private static IOException Failure(string path)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{Marshal.GetPInvokeErrorMessage(error)}: '{path}'", error);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int RenameAt2(int folder, string path, int otherFolder, string other, uint flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
