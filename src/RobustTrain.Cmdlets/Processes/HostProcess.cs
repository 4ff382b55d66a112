using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Resources;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Processes;

/// <summary>
/// A child process <c>robusttrain</c>. Its standard input is the life line: when this process is gone, however it went, the
/// kernel closes it and the child ends by itself.
/// </summary>
/// <remarks>
/// On Linux the child gets a session of its own, so that the terminal's Ctrl+C reaches this process alone, which decides what it
/// means: the same keystroke ends a foreground training and must not end a job.
/// </remarks>
internal sealed class HostProcess : IRunspaceBound, IDisposable
{
    private const int KeptErrorLines = 40;
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    private readonly Process process;
    private readonly RunspaceLifetime lifetime;
    private readonly Queue<string> errorLines = new();
    private readonly Task readingErrors;
    private readonly Lock input = new();

    private HostProcess(Process process, RunspaceLifetime lifetime)
    {
        this.process = process;
        this.lifetime = lifetime;
        readingErrors = ReadErrorsAsync();
    }

    /// <summary>The child's process id.</summary>
    public int Id => process.Id;

    /// <summary>The last lines that the child wrote to standard error.</summary>
    public IReadOnlyList<string> ErrorLines
    {
        get
        {
            lock (errorLines)
                return [.. errorLines];
        }
    }

    /// <summary>Starts <c>robusttrain</c> with arguments.</summary>
    /// <param name="arguments">The command and its options.</param>
    /// <param name="workingFolder">What relative paths in a configuration are relative to: PowerShell's current folder, which .NET's is not.</param>
    /// <param name="lifetime">The runspace that the child is bound to.</param>
    /// <exception cref="RunException">It is missing or cannot be started.</exception>
    public static HostProcess Start(IEnumerable<string> arguments, string workingFolder, RunspaceLifetime lifetime)
    {
        string executable = HostExecutable.Find();
        ProcessStartInfo start = SessionLeader.StartInfo(executable, arguments);
        start.WorkingDirectory = workingFolder;
        CudaDeviceOrder.Apply(start);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.CreateNoWindow = true;

        var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception failure)
        {
            process.Dispose();
            throw new RunException(ExitCode.Configuration, "HostNotStarted", Strings.Format("HostNotStarted", executable, failure.Message), executable, failure);
        }

        var child = new HostProcess(process, lifetime);
        lifetime.Add(child);
        return child;
    }

    /// <summary>The lines of the child's standard output as they come, to its end.</summary>
    public async IAsyncEnumerable<string> ReadLinesAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (await process.StandardOutput.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
            yield return line;
    }

    /// <summary>Waits until the child has ended and what it wrote to standard error has been read.</summary>
    /// <returns>Its exit code; 128 + N where signal N ended it.</returns>
    public async Task<int> WaitAsync(CancellationToken cancellation = default)
    {
        await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        // A grandchild that outlives the child may hold the pipe open; it has no more to say about the child's end.
        await Task.WhenAny(readingErrors, Task.Delay(DrainTime, cancellation)).ConfigureAwait(false);
        return process.ExitCode;
    }

    /// <summary>Asks the child to stop with a checkpoint.</summary>
    public void RequestStop()
    {
        lock (input)
        {
            try
            {
                process.StandardInput.WriteLine("stop");
                process.StandardInput.Flush();
            }
            catch (Exception gone) when (gone is IOException or ObjectDisposedException)
            {
                // The life line is cut already, which says the same.
            }
        }
    }

    /// <summary>Cuts the life line: the child ends by itself, a trainer with a checkpoint.</summary>
    public void CutLifeLine()
    {
        lock (input)
        {
            try
            {
                process.StandardInput.Dispose();
            }
            catch (IOException)
            {
                // What was left in the buffer had no reader any more.
            }
        }
    }

    /// <summary>Ends the child and what it has started, at once.</summary>
    public void Kill()
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception gone) when (gone is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended meanwhile.
        }
    }

    /// <inheritdoc/>
    public void End() => CutLifeLine();

    /// <inheritdoc/>
    public void Dispose()
    {
        lifetime.Remove(this);
        CutLifeLine();
        process.Dispose();
    }

    private async Task ReadErrorsAsync()
    {
        while (await process.StandardError.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            lock (errorLines)
            {
                if (errorLines.Count == KeptErrorLines)
                    errorLines.Dequeue();
                errorLines.Enqueue(line);
            }
        }
    }
}
