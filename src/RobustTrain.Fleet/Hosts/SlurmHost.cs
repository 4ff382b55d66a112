using System.Text;
using RobustTrain.Fleet.State;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Scheduling;

namespace RobustTrain.Fleet.Hosts;

/// <summary>
/// Slurm as a host that takes everything and queues by itself: a start is a job (<c>sbatch</c>) whose name ends with the start's id, and
/// <c>squeue</c> and <c>sacct</c> tell of it.
/// </summary>
/// <param name="executable">The program, which the nodes have at the same place.</param>
/// <param name="path">The fleet's folder.</param>
/// <param name="options">Further options of sbatch, as <c>--partition=gpu</c>.</param>
/// <param name="programs">The folder of Slurm's programs; empty for those on the path.</param>
public sealed class SlurmHost(string executable, string path, IReadOnlyList<string> options, string programs = "") : IFleetHost
{
    /// <summary>Its name among the fleet's hosts.</summary>
    public const string Name = "slurm";

    // sbatch answers within this, or has not submitted.
    private static readonly TimeSpan s_submitted = TimeSpan.FromMinutes(2);

    private readonly SchedulerProgram _submit = new(Path.Combine(programs, "sbatch"));
    private readonly SchedulerProgram _queue = new(Path.Combine(programs, "squeue"));
    private readonly SchedulerProgram _accounts = new(Path.Combine(programs, "sacct"));
    private readonly SchedulerProgram _cancel = new(Path.Combine(programs, "scancel"));

    /// <inheritdoc/>
    public Task<HostObservation> ObserveAsync(IReadOnlyList<FleetStart> starts, CancellationToken stopping) => Task.Run(() => Observe(starts), stopping);

    /// <inheritdoc/>
    public Task<StartHandle> StartAsync(StartOrder order, CancellationToken stopping) => Task.Run(() => Submit(order), CancellationToken.None);

    /// <inheritdoc/>
    public Task EndAsync(StartHandle handle, bool kill, CancellationToken stopping) => Task.Run(
        () => Ask(() => _cancel.Demand(kill ? [handle.Job!] : ["--batch", "--signal=TERM", handle.Job!])), stopping);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private HostObservation Observe(IReadOnlyList<FleetStart> starts)
    {
        try
        {
            Job[] jobs = starts.Count == 0 ? [] : JobsOf(_queue.Demand(["--noheader", "--me", "--states=all", "--format=%i|%T|%j"]).Text);
            if (starts.Count == 0)
                _queue.Demand(["--noheader", "--me", "--states=all", "--format=%i"]);
            return new HostObservation { IsScheduler = true, Starts = starts.ToDictionary(start => start.Id, start => Look(start, jobs)) };
        }
        catch (RunException failure)
        {
            return new HostObservation { IsScheduler = true, Problem = failure.Message.TrimEnd('.'), SilentFor = TimeSpan.FromTicks(1) };
        }
    }

    private StartSighting Look(FleetStart start, Job[] jobs)
    {
        Job? job = jobs.FirstOrDefault(job => job.Name.EndsWith(start.Id, StringComparison.Ordinal)) ?? Forgotten(start);
        if (job is not null)
            return new StartSighting(StateOf(job.State), new StartHandle(null, job.Id), job.State);
        if (start.Handle is not null || File.Exists(FleetFolder.StartLogOf(path, start.Id)))
            return new StartSighting(SightingState.Gone, start.Handle);
        return new StartSighting(DateTimeOffset.UtcNow - start.Time > s_submitted ? SightingState.Never : SightingState.Unsettled, null);
    }

    // squeue forgets a job some minutes after its end; whether sacct knows it depends on how accounts are kept there.
    private Job? Forgotten(FleetStart start)
    {
        SchedulerProgram.Answer answer = _accounts.Call(
            ["--noheader", "--parsable2", "--allocations", "--format=JobID,State,JobName", .. start.Handle?.Job is { } job ? (string[])["--jobs", job] : ["--name", start.Id, "--starttime=now-7days"]]);
        return answer.Code == 0 ? JobsOf(answer.Text).FirstOrDefault(job => job.Name.EndsWith(start.Id, StringComparison.Ordinal)) : null;
    }

    private StartHandle Submit(StartOrder order)
    {
        StringBuilder script = new("#!/bin/sh\nexport CUDA_DEVICE_ORDER=\"${CUDA_DEVICE_ORDER:-PCI_BUS_ID}\" DOTNET_EnableDiagnostics=0\nexec");
        foreach (string word in (IEnumerable<string>)[executable, .. order.Arguments, "--start-id", order.Start])
            script.Append(" '").Append(word.Replace("'", "'\\''", StringComparison.Ordinal)).Append('\'');
        script.Append('\n');

        // Slurm's own expansion of % in names of files is off where a % is doubled.
        string log = FleetFolder.StartLogOf(order.Path, order.Start).Replace("%", "%%", StringComparison.Ordinal);
        SchedulerProgram.Answer answer = Ask(() => _submit.Demand(
            [
                "--parsable", $"--job-name={order.Member}.{order.Start}", $"--output={log}", "--open-mode=append", $"--chdir={order.WorkingFolder}",
                "--no-requeue", "--signal=B:USR1@120", .. order.NeedsGpu ? (string[])["--gres=gpu:1"] : [], .. options,
            ],
            Encoding.UTF8.GetBytes(script.ToString())));

        // "id" or "id;cluster".
        return new StartHandle(null, answer.Text.Trim().Split(';')[0]);
    }

    private static SchedulerProgram.Answer Ask(Func<SchedulerProgram.Answer> call)
    {
        try
        {
            return call();
        }
        catch (RunException failure)
        {
            throw new FleetHostException(failure.Message, isUnsettled: failure.ErrorId == "SchedulerHangs");
        }
    }

    private static Job[] JobsOf(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Trim().Split('|', 3)).Where(parts => parts.Length == 3).Select(parts => new Job(parts[0], parts[1], parts[2]))];

    private static SightingState StateOf(string state) => state.Split(' ')[0] switch
    {
        "PENDING" or "CONFIGURING" or "REQUEUED" or "REQUEUE_HOLD" or "REQUEUE_FED" or "RESV_DEL_HOLD" or "SPECIAL_EXIT" => SightingState.Waiting,
        "RUNNING" or "COMPLETING" or "SUSPENDED" or "STOPPED" or "SIGNALING" or "STAGE_OUT" or "RESIZING" => SightingState.Alive,
        _ => SightingState.Gone,
    };

    private sealed record Job(string Id, string State, string Name);
}
