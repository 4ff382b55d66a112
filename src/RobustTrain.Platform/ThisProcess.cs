using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace RobustTrain.Platform;

/// <summary>What POSIX and Windows let a process do with itself beyond .NET.</summary>
public static unsafe class ThisProcess
{
    private const int StandardInput = 0;
    private const int StandardOutput = 1;
    private const int StandardError = 2;
    private const int WriteOnly = 1;
    private const int WindowsInput = -10;
    private const int WindowsError = -12;
    private const int ParentDeathSignal = 1;
    private const int SetTracer = 0x59616D61;
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MaxMappings = -4;

    /// <summary>The process that started this one; on Unix, where that is gone, the one that has taken its place.</summary>
    public static int ParentId
    {
        get
        {
            if (!OperatingSystem.IsWindows())
                return Libc.ParentId();
            return NativeSystem.Query(Kernel32.CurrentProcess(), 0, out NativeSystem.BasicInformation information, Unsafe.SizeOf<NativeSystem.BasicInformation>(), out _) == 0
                ? (int)information.ParentId
                : 0;
        }
    }

    /// <summary>The processor time that it has used; on Linux with that of its children that have ended.</summary>
    public static TimeSpan ProcessorTime => Environment.CpuUsage.TotalTime + (OperatingSystem.IsLinux() ? ChildrenTime() : TimeSpan.Zero);

    /// <summary>The real user's id.</summary>
    public static uint UserId => Libc.UserId();

    /// <summary>The system's id of the current thread; 0 where it does not tell.</summary>
    public static int ThreadId => OperatingSystem.IsLinux() ? Libc.ThreadId() : OperatingSystem.IsWindows() ? Kernel32.ThreadId() : 0;

    /// <summary>Asks Linux to kill this process when the thread that started it ends; on Windows the parent sees to it (<see cref="ChildProcess"/>).</summary>
    public static void DieWithParent()
    {
        if (OperatingSystem.IsLinux())
            _ = Libc.ControlProcess(ParentDeathSignal, PosixSignals.Kill, 0, 0, 0);
    }

    /// <summary>Has the terminal's interrupt, Ctrl+C, ignored.</summary>
    public static void IgnoreInterrupt()
    {
        if (OperatingSystem.IsWindows())
            ConsoleControl.IgnoreInterrupt();
        else
            PosixSignals.Ignore(PosixSignals.Interrupt);
    }

    /// <summary>Has what this process writes to standard output and error go nowhere from now on; on Windows nothing is done.</summary>
    public static void SilenceOutput()
    {
        if (OperatingSystem.IsWindows())
            return;
        int nowhere = Libc.Open("/dev/null", WriteOnly);
        if (nowhere < 0)
            return;
        _ = Libc.Duplicate(nowhere, StandardOutput);
        _ = Libc.Duplicate(nowhere, StandardError);
        _ = Libc.Close(nowhere);
    }

    /// <summary>Ends this process as if another one had killed it.</summary>
    public static void KillItself()
    {
        if (OperatingSystem.IsWindows())
            Kernel32.Terminate(Kernel32.CurrentProcess(), ExitStatus.Killed);
        else
            _ = PosixSignals.Send(Environment.ProcessId, PosixSignals.Kill);
    }

    /// <summary>Makes this process stand still, until another one lets it go on.</summary>
    public static void StopItself()
    {
        if (OperatingSystem.IsWindows())
            _ = NativeSystem.Suspend(Kernel32.CurrentProcess());
        else
            _ = PosixSignals.Send(Environment.ProcessId, PosixSignals.Stop);
    }

    /// <summary>
    /// Lets a process and its descendants trace this one where Yama would have only ancestors do so; elsewhere the request is unknown, and
    /// needless.
    /// </summary>
    public static void LetTrace(int process)
    {
        if (OperatingSystem.IsLinux())
            _ = Libc.ControlProcess(SetTracer, (nuint)process, 0, 0, 0);
    }

    /// <summary>Sets a variable of the environment as native libraries read it, where it is not set; .NET's own is a copy.</summary>
    public static void SetNativeVariable(string name, string value)
    {
        if (Environment.GetEnvironmentVariable(name) is not null)
            return;
        if (!OperatingSystem.IsWindows())
        {
            _ = Libc.SetVariable(name, value, overwrite: 0);
            return;
        }

        // Sets the C runtime's copy and Windows' own, of which .NET knows the latter alone.
        _ = UniversalRuntime.SetVariable(name, value);
    }

    /// <summary>
    /// Lets glibc's allocator take all blocks from the heap and keep freed memory there; another C library's is left as it is.
    /// </summary>
    /// <param name="upTo">The bytes at the heap's end that are not given back.</param>
    /// <param name="growBy">The bytes by which the heap grows beyond what is asked for.</param>
    public static void KeepFreedMemory(int upTo, int growBy)
    {
        try
        {
            _ = Libc.SetAllocator(MaxMappings, 0);
            _ = Libc.SetAllocator(TrimThreshold, upTo);
            _ = Libc.SetAllocator(TopPad, growBy);
        }
        catch (EntryPointNotFoundException)
        {
            // mallopt is glibc's alone.
        }
    }

    // proc(5): behind the name, which may hold anything, the 14th and 15th value are the children's time in user mode and in the kernel, in
    // hundredths of a second, whatever the kernel's own clock.
    private static TimeSpan ChildrenTime()
    {
        const int ticksPerSecond = 100;
        string text = File.ReadAllText("/proc/self/stat");
        string[] values = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds((long.Parse(values[13], CultureInfo.InvariantCulture) + long.Parse(values[14], CultureInfo.InvariantCulture)) / (double)ticksPerSecond);
    }

    /// <summary>Ends the process at once, without running anything more of it.</summary>
    [DoesNotReturn]
    public static void Exit(int code)
    {
        if (OperatingSystem.IsWindows())
            Kernel32.Terminate(Kernel32.CurrentProcess(), (uint)code);
        else
            Libc.Exit(code);
        throw new InvalidOperationException("The system does not let this process end.");
    }

    /// <summary>A fault in native code, which no runtime can turn into an exception: a function of the system writes to memory that nobody has.</summary>
    public static void Crash()
    {
        if (OperatingSystem.IsWindows())
            UniversalRuntime.Fill((void*)0x10, 1, 64);
        else
            _ = Libc.Fill((void*)0x10, 1, 64);
    }

    /// <summary>Reads from standard input without the console's machinery.</summary>
    /// <returns>How many bytes; 0 at its end, or where it can't be read.</returns>
    public static int ReadInput(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            if (OperatingSystem.IsWindows())
                return Kernel32.Read(Kernel32.StandardHandle(WindowsInput), start, (uint)buffer.Length, out uint read, 0) ? (int)read : 0;
            return (int)Math.Max(0, Libc.Read(StandardInput, start, (nuint)buffer.Length));
        }
    }

    /// <summary>Writes to standard error without the console's machinery.</summary>
    public static void WriteError(ReadOnlySpan<byte> text)
    {
        fixed (byte* start = text)
        {
            if (OperatingSystem.IsWindows())
                Kernel32.Write(Kernel32.StandardHandle(WindowsError), start, (uint)text.Length, out _, 0);
            else
                _ = Libc.Write(StandardError, start, (nuint)text.Length);
        }
    }
}
