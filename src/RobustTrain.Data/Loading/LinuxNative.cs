using System.ComponentModel;
using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading;

/// <summary>The system calls of Linux that process workers need.</summary>
internal static unsafe partial class LinuxNative
{
    public const int KillSignal = 9;

    /// <summary>The bytes of a transparent huge page on x86-64, and on Arm with pages of 4 KiB.</summary>
    public const uint HugePage = 2 << 20;

    private const int InterruptSignal = 2;
    private const nint IgnoreSignal = 1;
    private const int FutexWaitOperation = 0;
    private const int FutexWakeOperation = 1;
    private const int MemfdCloseOnExec = 1;
    private const int OpenReadWriteCloseOnExec = 0x80002;
    private const int ProtectReadWrite = 3;
    private const int MapShared = 1;
    private const int MapPrivate = 2;
    private const int MapAnonymous = 0x20;
    private const int ParentDeathSignal = 1;
    private const int AdviseDrop = 4;
    private const int AdviseHugePages = 14;
    private const int SetTracer = 0x59616D61;

    // The numbers of system calls differ between architectures; asm/unistd_64.h and asm-generic/unistd.h.
    private static readonly nint FutexNumber = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 202 : 98;

    public static void FutexWait(int* word, int expected, int milliseconds)
    {
        TimeSpec timeout = new() { Seconds = milliseconds / 1000, Nanoseconds = milliseconds % 1000 * 1_000_000L };
        _ = Futex(FutexNumber, word, FutexWaitOperation, expected, &timeout, null, 0);
    }

    public static void FutexWake(int* word, int waiters) =>
        _ = Futex(FutexNumber, word, FutexWakeOperation, waiters, null, null, 0);

    /// <summary>Memory without a name, whose pages are all there: what does not fit fails here and not at the first touch.</summary>
    /// <exception cref="Win32Exception">There is not enough memory.</exception>
    public static int CreateMemory(string name, long bytes)
    {
        int descriptor = MemfdCreate(name, MemfdCloseOnExec);
        if (descriptor < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        if (Truncate(descriptor, bytes) == 0)
        {
            int error = PosixFallocate(descriptor, 0, bytes);
            if (error == 0)
                return descriptor;
            _ = Close(descriptor);
            throw new Win32Exception(error);
        }

        int truncateError = Marshal.GetLastPInvokeError();
        _ = Close(descriptor);
        throw new Win32Exception(truncateError);
    }

    /// <exception cref="Win32Exception">It can't be opened.</exception>
    public static int OpenReadWrite(string path)
    {
        int descriptor = Open(path, OpenReadWriteCloseOnExec);
        return descriptor >= 0 ? descriptor : throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <exception cref="Win32Exception">It can't be mapped.</exception>
    public static byte* Map(int descriptor, long bytes)
    {
        nint address = MemoryMap(0, (nuint)bytes, ProtectReadWrite, MapShared, descriptor, 0);
        return address != -1 ? (byte*)address : throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Takes whole pages of memory, all zero, that only this process sees.</summary>
    /// <exception cref="OutOfMemoryException">There is not so much memory.</exception>
    public static void* MapOwn(nuint bytes)
    {
        nint address = MemoryMap(0, bytes, ProtectReadWrite, MapPrivate | MapAnonymous, -1, 0);
        return address != -1 ? (void*)address : throw new OutOfMemoryException();
    }

    /// <summary>Gives back what <see cref="MapOwn"/> took.</summary>
    public static void UnmapOwn(void* start, nuint bytes) => _ = MemoryUnmap(start, bytes);

    /// <summary>Asks for huge pages where memory is touched for the first time; a system that has none to give goes on with small ones.</summary>
    public static void PreferHugePages(void* start, nuint bytes) => _ = Advise(start, bytes, AdviseHugePages);

    /// <summary>Takes the whole pages of shared memory out of this process's view; their bytes stay, and come back into view when they are touched.</summary>
    public static void DropFromView(byte* start, long bytes)
    {
        long page = Environment.SystemPageSize;
        long first = ((nint)start + page - 1) / page * page;
        long end = ((nint)start + bytes) / page * page;
        if (first < end)
            _ = Advise((void*)first, (nuint)(end - first), AdviseDrop);
    }

    /// <summary>Lets an interrupt from the terminal, which reaches the whole process group, be the trainer's business alone.</summary>
    public static void IgnoreInterrupt() => _ = SetSignalHandler(InterruptSignal, IgnoreSignal);

    /// <summary>Asks the kernel to kill this process when the thread that started it ends.</summary>
    public static void DieWithParent() => _ = ProcessControl(ParentDeathSignal, KillSignal, 0, 0, 0);

    /// <summary>
    /// Lets a process and its descendants trace this one where Yama would have only ancestors do so; elsewhere the request is unknown, and
    /// needless.
    /// </summary>
    public static void LetTrace(int process) => _ = ProcessControl(SetTracer, (nuint)process, 0, 0, 0);

    /// <summary>The system's id of the current thread; 0 where there is no Linux.</summary>
    public static int CurrentThread() => OperatingSystem.IsLinux() ? ThreadId() : 0;

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int ThreadId();

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(byte* address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Advise(void* start, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "getppid")]
    public static partial int ParentProcessId();

    /// <summary>Ends the process without running anything more of it.</summary>
    [LibraryImport("libc", EntryPoint = "_exit")]
    public static partial void Exit(int code);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Futex(nint number, int* word, nint operation, nint value, TimeSpec* timeout, int* second, nint third);

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int MemfdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int Truncate(int descriptor, long bytes);

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    private static partial int PosixFallocate(int descriptor, long offset, long bytes);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MemoryMap(nint address, nuint bytes, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int MemoryUnmap(void* start, nuint bytes);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int ProcessControl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    [LibraryImport("libc", EntryPoint = "signal", SetLastError = true)]
    private static partial nint SetSignalHandler(int signal, nint handler);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
