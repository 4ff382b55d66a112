using System.ComponentModel;
using System.Globalization;
using Microsoft.Diagnostics.Runtime;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>The main function of <c>robusttrain thread-stack PROCESS THREAD</c>, started by a loader about a worker of its own.</summary>
public static class ThreadStackProcess
{
    /// <summary>Writes the methods that a thread is in to standard output, one a line and innermost first; or why not to standard error.</summary>
    /// <param name="process">The id of the process.</param>
    /// <param name="thread">The system's id of its thread; the process's own id stands for its first thread.</param>
    /// <returns>The exit code: 0 where the stack is there, else 1.</returns>
    public static int Run(string process, string thread)
    {
        ThisProcess.DieWithParent();
        try
        {
            foreach (string frame in ManagedStack.Read(int.Parse(process, CultureInfo.InvariantCulture), int.Parse(thread, CultureInfo.InvariantCulture)))
                Console.Out.WriteLine(frame);
            return 0;
        }
        catch (Exception exception)
        {
            // Whatever it is, it is the answer to the one question that this process was started for.
            Console.Error.WriteLine(exception.Message.ReplaceLineEndings(" "));
            return 1;
        }
    }
}

/// <summary>Reads the managed methods that a thread of another process is in, from that process's memory.</summary>
internal static class ManagedStack
{
    private const int MostFrames = 20;
    private const int Looks = 60;

    /// <summary>The methods as <c>Type.Method</c>, innermost first, at most 20.</summary>
    /// <param name="process">The process.</param>
    /// <param name="thread">The system's id of the thread, which stands still for the moment of a look.</param>
    /// <exception cref="Win32Exception">The thread can't be stopped.</exception>
    /// <exception cref="InvalidOperationException">The process runs no .NET, or the thread runs nothing of it.</exception>
    /// <exception cref="ClrDiagnosticsException">The process's memory can't be read.</exception>
    public static IReadOnlyList<string> Read(int process, int thread)
    {
        if (OperatingSystem.IsWindows() && thread == process)
            thread = WindowsProcesses.FirstThreadOf(process) ?? throw new InvalidOperationException("there is no such process");

        // Whether it may be looked at at all is best said by the system, before anything is missed in what can be read.
        TracedThread.Stop(thread).Dispose();
        using DataTarget target = Attach(process);
        if (target.ClrVersions is not [ClrInfo clr, ..])
            throw new InvalidOperationException("the process does not run .NET");
        using ClrRuntime runtime = clr.CreateRuntime();
        // From within the runtime's own functions, a garbage collection above all, there is no way back to the managed code that called them,
        // or only a part of it; they return soon. A stack is whole when two looks end in the same outermost method.
        string[] before = [];
        for (int look = 0; look < Looks; look++, Thread.Sleep(look))
        {
            runtime.FlushCachedData();
            string[] frames = Look(runtime, thread);
            if (frames.Length > 0 && before.Length > 0 && frames[^1] == before[^1])
                return frames[..Math.Min(frames.Length, MostFrames)];
            before = frames;
        }

        throw new InvalidOperationException("the thread is in no managed method");
    }

    // ClrMD makes a folder for symbols that it might download; nothing is left behind here, and nothing is downloaded.
    private static DataTarget Attach(int process)
    {
        string symbols = Path.Combine(Path.GetTempPath(), "symbols");
        bool isOurs = !Directory.Exists(symbols);
        DataTarget target = DataTarget.AttachToProcess(process, suspend: false);
        target.FileLocator = null;
        try
        {
            if (isOurs)
                Directory.Delete(symbols);
        }
        catch (IOException)
        {
            // Another one has removed it, or has begun to use it.
        }

        return target;
    }

    private static string[] Look(ClrRuntime runtime, int thread)
    {
        using TracedThread traced = TracedThread.Stop(thread);
        ClrThread stuck = runtime.Threads.FirstOrDefault(candidate => candidate.OSThreadId == thread)
            ?? throw new InvalidOperationException("the thread has run no managed code yet");
        return [.. stuck.EnumerateStackTrace().Select(NameOf).OfType<string>()];
    }

    private static string? NameOf(ClrStackFrame frame) => frame.Method is not { Name: string name } method
        ? null
        : method.Type?.Name is string type ? $"{ShortName(type)}.{name}" : name;

    /// <summary>A type's name without its namespace and its arguments; what the compiler has named begins with a sign of theirs.</summary>
    private static string ShortName(string type)
    {
        int end = type.IndexOfAny(['<', '`', '[']);
        string name = end > 0 && type[end - 1] != '+' ? type[..end] : type;
        return name[(name.LastIndexOf('.') + 1)..].Replace('+', '.');
    }
}
