using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Resources;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Processes;

/// <summary>A child process <c>robusttrain</c> that is bound to a runspace.</summary>
/// <remarks>
/// On Linux the child gets a session of its own, so that the terminal's Ctrl+C reaches this process alone, which decides what it
/// means: the same keystroke ends a foreground training and must not end a job.
/// </remarks>
internal sealed class HostProcess : IRunspaceBound, IDisposable
{
    private const int KeptErrorLines = 40;

    private readonly ChildProcess process;
    private readonly RunspaceLifetime lifetime;

    private HostProcess(ChildProcess process, RunspaceLifetime lifetime)
    {
        this.process = process;
        this.lifetime = lifetime;
    }

    /// <summary>The child's process id.</summary>
    public int Id => process.Id;

    /// <summary>The last lines that the child wrote to standard error.</summary>
    public IReadOnlyList<string> ErrorLines => process.ErrorLines;

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
        start.RedirectStandardOutput = true;
        CudaDeviceOrder.Apply(start);
        try
        {
            var child = new HostProcess(ChildProcess.Start(start, keptErrorLines: KeptErrorLines), lifetime);
            lifetime.Add(child);
            return child;
        }
        catch (Win32Exception failure)
        {
            throw new RunException(ExitCode.Configuration, "HostNotStarted", Strings.Format("HostNotStarted", executable, failure.Message), executable, failure);
        }
    }

    /// <summary>The lines of the child's standard output as they come, to its end.</summary>
    public async IAsyncEnumerable<string> ReadLinesAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (await process.Output.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
            yield return line;
    }

    /// <inheritdoc cref="ChildProcess.WaitForExitAsync"/>
    public Task<int> WaitAsync(CancellationToken cancellation = default) => process.WaitForExitAsync(cancellation);

    /// <summary>Asks the child to stop with a checkpoint.</summary>
    public void RequestStop() => process.TryWriteLine("stop");

    /// <summary>Ends the child and what it has started, at once.</summary>
    public void Kill() => process.Kill(wholeTree: true);

    /// <summary>Cuts the life line: the child ends by itself, a trainer with a checkpoint.</summary>
    public void End() => process.CutLifeLine();

    /// <inheritdoc/>
    public void Dispose()
    {
        lifetime.Remove(this);
        process.Dispose();
    }
}
