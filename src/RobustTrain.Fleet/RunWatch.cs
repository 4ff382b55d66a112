using RobustTrain.Configuration;
using RobustTrain.Fleet.State;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Fleet;

/// <summary>Watches one member's run by its folder, from look to look. Nothing of it is kept: another fleet process begins to watch anew.</summary>
/// <param name="member">The member.</param>
/// <param name="fleetPath">The fleet's folder.</param>
/// <param name="reader">Reads its configuration.</param>
/// <param name="time">The clock.</param>
internal sealed class RunWatch(FleetMember member, string fleetPath, IMemberReader reader, TimeProvider time)
{
    private readonly string _runPath = FleetFolder.RunPathOf(fleetPath, member.Name);
    private readonly Movement _progress = new(time);
    private readonly Movement _beats = new(time);
    private RunJournalReader? _journal;
    private RunJournalReader? _output;
    private string? _start;
    private long _steps;
    private int? _processOfStart;
    private StartEnd? _end;
    private (object Stamp, MemberPlan? Plan, string? Problem) _plan;

    /// <summary>Looks at the run.</summary>
    /// <param name="start">The member's start that may live; null where none does.</param>
    public RunObservation Look(FleetStart? start)
    {
        if (start?.Id != _start)
        {
            _start = start?.Id;
            _output = start is null ? null : new RunJournalReader(FleetFolder.StartLogOf(fleetPath, start.Id));
            _processOfStart = null;
            _end = null;
            _progress.Reset();
        }

        try
        {
            RunRecord? record = RunFolder.IsRun(_runPath) ? RunFolder.ReadRecord(_runPath) : null;
            Follow();
            MemberPlan? plan = PlanOf(record, out string? problem);
            return new RunObservation
            {
                Problem = problem,
                Outdated = plan?.Outdated,
                NeedsGpu = plan?.NeedsGpu ?? false,
                Epochs = plan?.Epochs ?? record?.Epochs,
                State = record?.State,
                Process = record?.Process,
                EpochsDone = record?.EpochsDone ?? 0,
                IsFinished = record is { State: RunState.Finished } && (plan is null || plan.Epochs <= record.Epochs),
                ExitCode = record?.ExitCode,
                Error = record?.Error,
                SinceProgress = _progress.StillFor(_steps),
                SinceBeat = _beats.StillFor(RunFolder.ReadHeartbeat(_runPath)),
                IsOfStart = record is not null && _processOfStart == record.Process.ProcessId,
                End = _end,
            };
        }
        catch (Exception refused) when (refused is RunException or IOException or UnauthorizedAccessException)
        {
            return new RunObservation
            {
                Problem = refused is RunException ? refused.Message.TrimEnd('.') : $"its run can't be read: {StorageError.Describe(refused).TrimEnd('.')}",
                SinceProgress = _progress.StillFor(_steps),
                SinceBeat = _beats.StillFor(RunFolder.ReadHeartbeat(_runPath)),
                End = _end,
            };
        }
    }

    private void Follow()
    {
        _journal ??= new RunJournalReader(RunFolder.JournalPathOf(_runPath));
        foreach (RunEvent happened in _journal.ReadNew())
        {
            if (happened is RunStarted or EpochStarted or StepFinished or EpochFinished or EvaluationProgress or CheckpointSaved or TestFinished)
                _steps++;
        }

        // Lines that are no events are the runtime's own words, or a library's.
        foreach (RunEvent happened in _output?.ReadNew() ?? [])
        {
            // Validations are not in the run's journal.
            if (happened is StepFinished or EvaluationProgress)
                _steps++;
            if (happened is RunStarted began)
                _processOfStart = began.ProcessId;
            if (happened is RunFinished finished)
                _end = new StartEnd(finished.ExitCode, finished.Error, finished.ErrorId);
        }
    }

    // Reading and comparing a configuration is worth its while only where a file has changed.
    private MemberPlan? PlanOf(RunRecord? record, out string? problem)
    {
        FileInfo file = new(member.Config);
        object stamp = (file.Exists ? file.LastWriteTimeUtc : default, file.Exists ? file.Length : -1, record?.ConfigurationDigest, record?.State, record?.Epochs, record?.EpochsDone);
        if (!stamp.Equals(_plan.Stamp))
        {
            try
            {
                _plan = (stamp, reader.Read(member.Config, member.Settings, _runPath), null);
            }
            catch (Exception mistake) when (mistake is ConfigurationException or RunException)
            {
                _plan = (stamp, null, mistake.Message.Split('\n')[0].TrimEnd('.'));
            }
        }

        problem = _plan.Problem;
        return _plan.Plan;
    }

    // How long a number has stood still, by a clock that nobody sets.
    private sealed class Movement(TimeProvider time)
    {
        private long _value = -1;
        private long _since = time.GetTimestamp();

        public void Reset() => _since = time.GetTimestamp();

        public TimeSpan StillFor(long value)
        {
            if (value != _value)
                (_value, _since) = (value, time.GetTimestamp());
            return time.GetElapsedTime(_since);
        }
    }
}
