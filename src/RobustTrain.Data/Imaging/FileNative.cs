using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>The system calls that read a file, and their error numbers (the same on Linux and macOS).</summary>
internal static unsafe partial class FileNative
{
    public const int NotPermitted = 1;
    public const int NotFound = 2;
    public const int Interrupted = 4;
    public const int NoSuchDevice = 6;
    public const int AccessDenied = 13;
    public const int NotAFolder = 20;
    public const int IsAFolder = 21;

    /// <summary>ESPIPE, which <see cref="ReadAt"/> says of a pipe.</summary>
    public const int NoPlaceInIt = 29;

    /// <summary>O_RDONLY | O_CLOEXEC | O_NONBLOCK: to open a pipe would wait for its writer.</summary>
    public static readonly int ReadOnlyCloseOnExec = OperatingSystem.IsMacOS() ? 0x1000004 : 0x80800;

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(int descriptor, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);
}
