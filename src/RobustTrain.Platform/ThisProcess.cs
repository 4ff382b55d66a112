using System.Diagnostics.CodeAnalysis;

namespace RobustTrain.Platform;

/// <summary>What POSIX lets a process do with itself beyond .NET.</summary>
public static unsafe class ThisProcess
{
    private const int StandardInput = 0;
    private const int StandardError = 2;
    private const int ParentDeathSignal = 1;
    private const int SetTracer = 0x59616D61;
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MaxMappings = -4;

    /// <summary>The process that started this one.</summary>
    public static int ParentId => Libc.ParentId();

    /// <summary>The real user's id.</summary>
    public static uint UserId => Libc.UserId();

    /// <summary>The system's id of the current thread; 0 where there is no Linux.</summary>
    public static int ThreadId => OperatingSystem.IsLinux() ? Libc.ThreadId() : 0;

    /// <summary>Asks Linux to kill this process when the thread that started it ends.</summary>
    public static void DieWithParent() => _ = Libc.ControlProcess(ParentDeathSignal, PosixSignals.Kill, 0, 0, 0);

    /// <summary>
    /// Lets a process and its descendants trace this one where Yama would have only ancestors do so; elsewhere the request is unknown, and
    /// needless.
    /// </summary>
    public static void LetTrace(int process) => _ = Libc.ControlProcess(SetTracer, (nuint)process, 0, 0, 0);

    /// <summary>Sets a variable of the environment as native libraries read it, where it is not set; .NET's own is a copy.</summary>
    public static void SetNativeVariable(string name, string value) => _ = Libc.SetVariable(name, value, overwrite: 0);

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

    /// <summary>Ends the process at once, without running anything more of it.</summary>
    [DoesNotReturn]
    public static void Exit(int code)
    {
        if (!OperatingSystem.IsWindows())
            Libc.Exit(code);
        Environment.Exit(code);
    }

    /// <summary>A segmentation fault in native code, which no runtime can turn into an exception: libc writes to memory that nobody has.</summary>
    public static void Crash() => _ = Libc.Fill((void*)0x10, 1, 64);

    /// <summary>Reads from standard input without the console's machinery.</summary>
    /// <returns>How many bytes; 0 at its end, or where it can't be read.</returns>
    public static int ReadInput(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
            return (int)Math.Max(0, Libc.Read(StandardInput, start, (nuint)buffer.Length));
    }

    /// <summary>Writes to standard error without the console's machinery.</summary>
    public static void WriteError(ReadOnlySpan<byte> text)
    {
        fixed (byte* start = text)
            _ = Libc.Write(StandardError, start, (nuint)text.Length);
    }
}
