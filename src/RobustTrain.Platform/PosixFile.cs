using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace RobustTrain.Platform;

/// <summary>What POSIX can do with files and folders beyond .NET, or without the allocation and the finalizer of its handles.</summary>
public static unsafe class PosixFile
{
    private const int SetFlags = 4;
    private const int CurrentFolder = -100;
    private const uint ExchangeNames = 2;
    private const int NotImplemented = 38;
    private const int NotSupported = 95;

    // O_RDONLY | O_CLOEXEC | O_NONBLOCK: to open a pipe would wait for its writer.
    private static readonly int s_openToRead = OperatingSystem.IsMacOS() ? 0x1000004 : 0x80800;

    // O_NOFOLLOW of macOS, and of Linux on ARM and elsewhere.
    private static readonly int s_itself = OperatingSystem.IsMacOS() ? 0x100 : RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000;

    // O_APPEND of macOS and of Linux.
    private static readonly int s_append = OperatingSystem.IsMacOS() ? 0x8 : 0x400;

    /// <summary>Opens a file to be read.</summary>
    /// <returns>Its descriptor; negative where it fails, for the reason that <see cref="Marshal.GetLastPInvokeError"/> tells.</returns>
    public static int Open(string path) => Libc.Open(path, s_openToRead);

    /// <summary>Opens a file to be read that is no symbolic link; a pipe is not waited for.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It is a symbolic link, or can't be read.</exception>
    public static SafeFileHandle OpenItself(string path)
    {
        int descriptor = Libc.Open(path, s_openToRead | s_itself);
        if (descriptor >= 0)
            return new SafeFileHandle(descriptor, ownsHandle: true);
        int error = Marshal.GetLastPInvokeError();
        throw error is PosixError.NotFound or PosixError.NotAFolder
            ? new FileNotFoundException($"There is no file '{path}'.", path)
            : new IOException(error == (OperatingSystem.IsMacOS() ? 62 : 40) ? $"'{path}' is a symbolic link, which is not followed." : $"'{path}' can't be opened: {Marshal.GetPInvokeErrorMessage(error)}.");
    }

    /// <summary>Reads at a place (POSIX pread).</summary>
    /// <returns>How many bytes; negative where it fails, for the reason that <see cref="Marshal.GetLastPInvokeError"/> tells.</returns>
    public static nint ReadAt(int descriptor, byte* buffer, nuint count, long offset) => Libc.ReadAt(descriptor, buffer, count, offset);

    /// <summary>Closes what <see cref="Open"/> opened.</summary>
    public static void Close(int descriptor) => _ = Libc.Close(descriptor);

    /// <summary>
    /// Has each write to an open file land at its end, wherever that is by then; .NET's own mode of appending remembers the place where it
    /// wrote last.
    /// </summary>
    /// <exception cref="IOException">The system refuses it.</exception>
    public static void AppendAlways(SafeFileHandle file)
    {
        if (Libc.Control(file, SetFlags, s_append) < 0)
            throw new IOException($"It cannot be appended to: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    /// <summary>Writes at the end of a file that always appends.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void Append(SafeFileHandle file, ReadOnlySpan<byte> content)
    {
        while (content.Length > 0)
        {
            nint written;
            fixed (byte* start = content)
                written = Libc.Write((int)file.DangerousGetHandle(), start, (nuint)content.Length);
            if (written >= 0)
                content = content[(int)written..];
            else if (Marshal.GetLastPInvokeError() != PosixError.Interrupted)
                throw new IOException($"{Marshal.GetLastPInvokeErrorMessage()}.");
        }
    }

    /// <summary>Takes an exclusive lock on an open file (flock(2)), once more where it has it already.</summary>
    /// <param name="file">The file.</param>
    /// <param name="isSupported">Whether the file system has locks; without them this succeeds and means nothing.</param>
    /// <returns>False where another process has it.</returns>
    public static bool TryLock(SafeFileHandle file, out bool isSupported)
    {
        const int exclusiveWithoutWaiting = 2 | 4;

        // As every library of the process calls it: one that was loaded before libc (LD_PRELOAD) may stand in for it.
        var flock = (delegate* unmanaged<int, int, int>)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "flock");
        bool isTaken = flock((int)file.DangerousGetHandle(), exclusiveWithoutWaiting) == 0;
        isSupported = isTaken || StorageError.IsWouldBlock(Marshal.GetLastSystemError());
        return isTaken || !isSupported;
    }

    /// <summary>Flushes a folder's entries to the disk (POSIX fsync).</summary>
    internal static void FlushFolder(string path)
    {
        int descriptor = Libc.Open(path, 0);
        if (descriptor < 0)
            throw Failure(path);
        try
        {
            if (Libc.Flush(descriptor) != 0)
                throw Failure(path);
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    /// <summary>Exchanges the names of two folders in one operation (renameat2 of Linux, RENAME_EXCHANGE).</summary>
    /// <returns>False where the file system or the C library has no such operation.</returns>
    internal static bool TryExchange(string path, string other)
    {
        try
        {
            if (Libc.Rename(CurrentFolder, path, CurrentFolder, other, ExchangeNames) == 0)
                return true;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }

        return Marshal.GetLastPInvokeError() is PosixError.InvalidArgument or NotImplemented or NotSupported ? false : throw Failure(other);
    }

    private static IOException Failure(string path)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{Marshal.GetPInvokeErrorMessage(error)}: '{path}'", error);
    }
}
