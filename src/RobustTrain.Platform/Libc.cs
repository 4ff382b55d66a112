using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

// All native calls take plain values and pointers, so that their stubs can be compiled ahead of time like the rest.
[assembly: DisableRuntimeMarshalling]

namespace RobustTrain.Platform;

/// <summary>The C library's functions, each bound once.</summary>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport(Library, EntryPoint = "dup2", SetLastError = true)]
    public static partial int Duplicate(int descriptor, int onto);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, byte* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(int descriptor, byte* buffer, nuint count, long offset);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, byte* bytes, nuint count);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(SafeFileHandle file, int command, int argument);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    public static partial int Flush(int descriptor);

    [LibraryImport(Library, EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Rename(int folder, string path, int otherFolder, string other, uint flags);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int descriptor, long bytes);

    [LibraryImport(Library, EntryPoint = "posix_fallocate")]
    public static partial int Allocate(int descriptor, long offset, long bytes);

    [LibraryImport(Library, EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int CreateMemory(string name, uint flags);

    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint bytes, int protection, int flags, int descriptor, long offset);

    [LibraryImport(Library, EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(void* start, nuint bytes);

    [LibraryImport(Library, EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(void* start, nuint bytes, int advice);

    [LibraryImport(Library, EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport(Library, EntryPoint = "mallopt")]
    public static partial int SetAllocator(int parameter, int value);

    [LibraryImport(Library, EntryPoint = "memset")]
    public static partial nint Fill(void* target, int value, nuint count);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint Futex(nint number, int* word, nint operation, nint value, Timespec* timeout, int* second, nint third);

    [LibraryImport(Library, EntryPoint = "clock_gettime")]
    public static partial int ClockTime(int clock, out Timespec time);

    [LibraryImport(Library, EntryPoint = "nanosleep")]
    public static partial int Sleep(Timespec* time, Timespec* left);

    [LibraryImport(Library, EntryPoint = "gettid")]
    public static partial int ThreadId();

    [LibraryImport(Library, EntryPoint = "getppid")]
    public static partial int ParentId();

    [LibraryImport(Library, EntryPoint = "getuid")]
    public static partial uint UserId();

    [LibraryImport(Library, EntryPoint = "getpgrp")]
    public static partial int GetProcessGroup();

    [LibraryImport(Library, EntryPoint = "tcgetpgrp", SetLastError = true)]
    public static partial int GetForegroundGroup(int descriptor);

    [LibraryImport(Library, EntryPoint = "tcgetattr", SetLastError = true)]
    public static partial int GetTerminalMode(int descriptor, Terminal.Mode* mode);

    [LibraryImport(Library, EntryPoint = "tcsetattr", SetLastError = true)]
    public static partial int SetTerminalMode(int descriptor, int when, Terminal.Mode* mode);

    [LibraryImport(Library, EntryPoint = "getrlimit")]
    public static partial int Limit(int resource, out ResourceLimits limits);

    [LibraryImport(Library, EntryPoint = "prctl", SetLastError = true)]
    public static partial int ControlProcess(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    [LibraryImport(Library, EntryPoint = "ptrace", SetLastError = true)]
    public static partial nint Trace(nint request, int process, nint address, nint data);

    [LibraryImport(Library, EntryPoint = "waitpid", SetLastError = true)]
    public static partial int WaitFor(int process, int* status, int options);

    [LibraryImport(Library, EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    [LibraryImport(Library, EntryPoint = "signal", SetLastError = true)]
    public static partial nint SetHandler(int signal, nint handler);

    [LibraryImport(Library, EntryPoint = "execv", SetLastError = true)]
    public static partial int Execute(byte* path, byte** arguments);

    [LibraryImport(Library, EntryPoint = "_exit")]
    public static partial void Exit(int code);

    internal struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    internal struct ResourceLimits
    {
        public ulong Soft;
        public ulong Hard;
    }
}
