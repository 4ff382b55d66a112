using System.ComponentModel;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace RobustTrain.Platform;

/// <summary>
/// Memory that processes of this user share: on Linux without a name in <c>/dev/shm</c> (memfd_create(2)), on Windows a named section. It
/// is gone with the last process that has it.
/// </summary>
public abstract unsafe class SharedMemory : IDisposable
{
    /// <summary>Where it begins in this process.</summary>
    public abstract byte* Start { get; }

    /// <summary>Where other processes of this user find it while this one has it.</summary>
    public abstract string Path { get; }

    /// <summary>Makes memory, all zero, whose pages are all there: what does not fit fails here and not at the first touch.</summary>
    /// <exception cref="Win32Exception">There is not enough memory.</exception>
    public static SharedMemory Create(string name, long bytes) => OperatingSystem.IsWindows() ? Section.Create(name, bytes) : MemoryFile.Create(name, bytes);

    /// <summary>Takes a share in another process's memory.</summary>
    /// <exception cref="Win32Exception">The other process is gone.</exception>
    public static SharedMemory Open(string path, long bytes) => OperatingSystem.IsWindows() ? Section.Open(path, bytes) : MemoryFile.Open(path, bytes);

    /// <summary>Gives it up in this process.</summary>
    public abstract void Dispose();

    /// <summary>A file without a name, mapped.</summary>
    private sealed class MemoryFile : SharedMemory
    {
        private const int CloseOnExec = 1;
        private const int OpenReadWriteCloseOnExec = 0x80002;
        private const int ProtectReadWrite = 3;
        private const int MapShared = 1;

        private readonly nuint _bytes;
        private int _descriptor;
        private byte* _start;

        private MemoryFile(int descriptor, long bytes)
        {
            _descriptor = descriptor;
            _bytes = (nuint)bytes;
            nint address = Libc.Map(0, _bytes, ProtectReadWrite, MapShared, descriptor, 0);
            if (address == -1)
            {
                int error = Marshal.GetLastPInvokeError();
                Close();
                throw new Win32Exception(error);
            }

            _start = (byte*)address;
        }

        public override byte* Start => _start;

        public override string Path => $"/proc/{Environment.ProcessId}/fd/{_descriptor}";

        public static new MemoryFile Create(string name, long bytes)
        {
            int descriptor = Libc.CreateMemory(name, CloseOnExec);
            if (descriptor < 0)
                throw new Win32Exception(Marshal.GetLastPInvokeError());
            int error = Libc.Truncate(descriptor, bytes) == 0 ? Libc.Allocate(descriptor, 0, bytes) : Marshal.GetLastPInvokeError();
            if (error == 0)
                return new MemoryFile(descriptor, bytes);
            _ = Libc.Close(descriptor);
            throw new Win32Exception(error);
        }

        public static new MemoryFile Open(string path, long bytes)
        {
            int descriptor = Libc.Open(path, OpenReadWriteCloseOnExec);
            if (descriptor < 0)
                throw new Win32Exception(Marshal.GetLastPInvokeError());
            MemoryFile memory = new(descriptor, bytes);
            memory.Close();
            return memory;
        }

        public override void Dispose()
        {
            if (_start is not null)
                _ = Libc.Unmap(_start, _bytes);
            _start = null;
            Close();
        }

        private void Close()
        {
            if (_descriptor >= 0)
                _ = Libc.Close(_descriptor);
            _descriptor = -1;
        }
    }

    /// <summary>A named section that the page file backs, of which all is committed.</summary>
    [SupportedOSPlatform("windows")]
    private sealed class Section : SharedMemory
    {
        private const int InvalidParameter = 87;

        private readonly MemoryMappedFile _section;
        private readonly MemoryMappedViewAccessor _view;
        private byte* _start;

        private Section(string path, MemoryMappedFile section, long bytes)
        {
            Path = path;
            _section = section;
            _view = section.CreateViewAccessor(0, bytes);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        }

        public override byte* Start => _start;

        public override string Path { get; }

        public static new Section Create(string name, long bytes)
        {
            string path = $@"Local\{name}-{Guid.NewGuid():N}";
            return Refused(() => new Section(path, MemoryMappedFile.CreateNew(path, bytes), bytes));
        }

        public static new Section Open(string path, long bytes) => Refused(() => new Section(path, MemoryMappedFile.OpenExisting(path), bytes));

        public override void Dispose()
        {
            if (_start is not null)
                _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _start = null;
            _view.Dispose();
            _section.Dispose();
        }

        private static Section Refused(Func<Section> map)
        {
            try
            {
                return map();
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or ArgumentException)
            {
                throw new Win32Exception(refused is ArgumentException ? InvalidParameter : refused.HResult & 0xFFFF);
            }
        }
    }
}

/// <summary>
/// A semaphore that processes of Windows share, found by its name; gone with the last process that has it. It stands in for a wait on a word
/// of shared memory, which Windows has within a process only.
/// </summary>
[SupportedOSPlatform("windows")]
public sealed class SharedSemaphore : IDisposable
{
    private const int Most = 4096;

    private readonly Semaphore _semaphore;

    /// <summary>Makes it, or takes a share in another process's.</summary>
    /// <param name="name">The name, in the session's or the machine's namespace.</param>
    public SharedSemaphore(string name) => _semaphore = new Semaphore(0, Most, name);

    /// <summary>Wakes so many waiters, or those to come.</summary>
    public void Wake(int waiters)
    {
        try
        {
            _semaphore.Release(Math.Min(waiters, Most));
        }
        catch (SemaphoreFullException)
        {
            // It is owed to waiters that were killed; more than all that live have their turn already.
        }
    }

    /// <summary>Waits until it is woken, at most so long.</summary>
    public void Wait(int milliseconds) => _semaphore.WaitOne(milliseconds);

    /// <inheritdoc/>
    public void Dispose() => _semaphore.Dispose();
}

/// <summary>What Linux does with pages of memory for the asking.</summary>
public static unsafe class MemoryPages
{
    /// <summary>The bytes of a transparent huge page on x86-64, and on Arm with pages of 4 KiB.</summary>
    public const uint HugePage = 2 << 20;

    private const int AdviseHugePages = 14;

    /// <summary>Asks for huge pages where memory is touched for the first time; a system that has none to give goes on with small ones.</summary>
    public static void PreferHuge(void* start, nuint bytes) => _ = Libc.Advise(start, bytes, AdviseHugePages);
}

/// <summary>Linux's wait on a word of memory (futex(2)), between processes that share it or between threads.</summary>
public static unsafe class Futex
{
    private const int WaitOperation = 0;
    private const int WakeOperation = 1;

    // The numbers of system calls differ between architectures; asm/unistd_64.h and asm-generic/unistd.h.
    private static readonly nint s_number = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 202 : 98;

    /// <summary>Waits until the word is woken, at most so long; returns at once where it is no longer what is expected.</summary>
    public static void Wait(int* word, int expected, int milliseconds)
    {
        Libc.Timespec timeout = new() { Seconds = milliseconds / 1000, Nanoseconds = milliseconds % 1000 * 1_000_000L };
        _ = Libc.Futex(s_number, word, WaitOperation, expected, &timeout, null, 0);
    }

    /// <summary>Wakes so many waiters at most.</summary>
    public static void Wake(int* word, int waiters) => _ = Libc.Futex(s_number, word, WakeOperation, waiters, null, null, 0);
}
