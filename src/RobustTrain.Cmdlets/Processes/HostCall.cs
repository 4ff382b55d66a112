using System.Text;
using RobustTrain.Cmdlets.Errors;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Processes;

/// <summary>One <c>robusttrain</c> with a life line, from its start through its events to its end.</summary>
/// <param name="arguments">The command and its options; it is to write events to standard output.</param>
/// <param name="workingFolder">What relative paths are relative to.</param>
/// <param name="lifetime">The runspace that it is bound to.</param>
/// <param name="stopGrace">How long it may take to stop before it is killed.</param>
/// <param name="target">The object at fault where it fails: a run's folder, a file.</param>
/// <param name="words">Puts its errors into the cmdlet's words.</param>
internal sealed class HostCall(IEnumerable<string> arguments, string workingFolder, RunspaceLifetime lifetime, TimeSpan stopGrace, object? target, CmdletWords words)
{
    private HostProcess? process;

    /// <summary>The process id, once it runs.</summary>
    public int? ProcessId => process?.Id;

    /// <summary>Runs it to its end. The token asks it to stop, and kills it when its grace is over.</summary>
    /// <param name="take">Takes each event. It must not throw: what the process writes is read to the end, since a full pipe would hold it up.</param>
    /// <param name="stopping">Asks it to stop.</param>
    /// <exception cref="RunException">It could not be started.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled before it was started.</exception>
    public async Task<HostEnd> RunAsync(Func<RunEvent, Task> take, CancellationToken stopping)
    {
        stopping.ThrowIfCancellationRequested();
        using HostProcess child = HostProcess.Start(arguments, workingFolder, lifetime);
        process = child;
        using var overdue = new Timer(_ => child.Kill());
        using CancellationTokenRegistration stop = stopping.Register(() =>
        {
            child.RequestStop();
            overdue.Change(stopGrace, Timeout.InfiniteTimeSpan);
        });

        RunFinished? finished = null;
        await foreach (string line in child.ReadLinesAsync(CancellationToken.None).ConfigureAwait(false))
        {
            RunEvent? happened = EventLine.Read(Encoding.UTF8.GetBytes(line));
            finished = happened as RunFinished ?? finished;
            if (happened is not null)
                await take(happened).ConfigureAwait(false);
        }

        int exitCode = await child.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        return new HostEnd(exitCode, HostFailure.Of(exitCode, finished, child.ErrorLines, target, words));
    }

    /// <summary>Ends it at once.</summary>
    public void Kill() => process?.Kill();
}
