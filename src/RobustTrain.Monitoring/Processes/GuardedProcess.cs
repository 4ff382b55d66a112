using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace RobustTrain.Monitoring.Processes;

/// <summary>A child process with its three streams, which Ctrl+C in the terminal does not reach and which never outlives this process.</summary>
internal sealed class GuardedProcess : IDisposable
{
    private const int ErrorLines = 20;

    // After its end the last lines may still be on their way: where every thread of the pool is busy, for seconds.
    private static readonly TimeSpan LastLines = TimeSpan.FromSeconds(10);

    private readonly Process process;
    private readonly ChildGuard guard;
    private readonly Queue<string> errors = new();
    private readonly TaskCompletionSource errorsEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int disposed;

    private GuardedProcess(Process process, ChildGuard guard)
    {
        this.process = process;
        this.guard = guard;
    }

    /// <summary>Its process id.</summary>
    public int ProcessId { get; private init; }

    /// <summary>What it reads.</summary>
    public StreamWriter Input => process.StandardInput;

    /// <summary>What it writes.</summary>
    public StreamReader Output => process.StandardOutput;

    /// <summary>Starts a program.</summary>
    /// <exception cref="Win32Exception">It cannot be started.</exception>
    public static GuardedProcess Start(ChildGuard guard, string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
        };
        if (OperatingSystem.IsWindows())
        {
            start.FileName = program;
        }
        else
        {
            // What a shell ignores, the program that replaces it ignores too: the only way from here to keep the terminal's signals away.
            start.FileName = "/bin/sh";
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add("trap '' INT QUIT TSTP; exec \"$0\" \"$@\"");
            start.ArgumentList.Add(program);
        }

        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);

        var process = new Process { StartInfo = start };
        process.Start();
        var guarded = new GuardedProcess(process, guard) { ProcessId = process.Id };
        try
        {
            guard.Add(process.Id);
            process.ErrorDataReceived += guarded.TakeError;
            process.BeginErrorReadLine();
            return guarded;
        }
        catch
        {
            guarded.Dispose();
            throw;
        }
    }

    /// <summary>Kills it; does not wait, and nobody waits for its last lines any longer. Safe from any thread and at any time.</summary>
    public void Kill()
    {
        errorsEnded.TrySetResult();
        try
        {
            process.Kill();
        }
        catch (Exception failure) when (failure is InvalidOperationException or Win32Exception)
        {
            // It has ended, or is being disposed on its own thread, which kills it as well.
            Trace.WriteLine(failure);
        }
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>Its exit code; null where it has not ended within the limit.</returns>
    public int? WaitForExit(TimeSpan limit) => process.WaitForExit(limit) ? process.ExitCode : null;

    /// <summary>The last lines of its standard error, once it has ended or was killed.</summary>
    public string[] Errors()
    {
        errorsEnded.Task.Wait(LastLines);
        lock (errors)
            return [.. errors];
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
            return;

        Kill();
        process.WaitForExit(TimeSpan.FromMilliseconds(500));
        guard.Remove(ProcessId);
        process.Dispose();
    }

    private void TakeError(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
        {
            errorsEnded.TrySetResult();
            return;
        }

        lock (errors)
        {
            errors.Enqueue(line.Data);
            if (errors.Count > ErrorLines)
                errors.Dequeue();
        }
    }
}
