using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>One process that worked on a run: how far it came, and how it ended.</summary>
public sealed record TrainingAttempt
{
    private readonly RunRecord _record;
    private readonly RunAttempt _attempt;

    private TrainingAttempt(RunRecord record, string runPath, int place, IReadOnlyList<RunEvent> events)
    {
        _record = record;
        _attempt = record.Attempts[place];
        Attempt = place + 1;
        RunState state = _attempt.ObservedState;
        State = state.ToString();
        EndTime = (_attempt.Ended ?? (state == RunState.Interrupted ? events.LastOrDefault()?.Time : null))?.LocalDateTime;
        LastStep = LastStepOf(events);
        RunPath = runPath;
    }

    /// <summary>The run's name for people.</summary>
    public string Name => _record.Name;

    /// <summary>Its place among the run's processes, from 1.</summary>
    public int Attempt { get; }

    /// <summary>How it ended: Finished, Stopped, Failed, Interrupted where it went without a word; Running while it works.</summary>
    public string State { get; }

    /// <summary>When it began, local time.</summary>
    public DateTime StartTime => _attempt.Started.LocalDateTime;

    /// <summary>When it ended, local time; of one that went without a word, its last event; null while it runs.</summary>
    public DateTime? EndTime { get; }

    /// <summary>The last epoch that was complete when it began, from 0; null where it began the run.</summary>
    public int? ResumedFromEpoch => _attempt.ResumedFromEpoch;

    /// <summary>The last step of the run that is known to be its work, from 0; null where it came to none.</summary>
    public long? LastStep { get; }

    /// <summary>Its exit code; null while it runs, and where it was interrupted.</summary>
    public int? ExitCode => _attempt.ExitCode;

    /// <summary>One sentence, where it failed.</summary>
    public string? Error => _attempt.Error;

    /// <summary>The process.</summary>
    public int ProcessId => _attempt.Process.ProcessId;

    /// <summary>Its machine.</summary>
    public string ComputerName => _attempt.Process.Host;

    /// <summary>The run's folder.</summary>
    public string RunPath { get; }

    /// <summary>Every process that worked on a run, in order.</summary>
    /// <param name="record">The run's record.</param>
    /// <param name="runPath">Its folder.</param>
    internal static IEnumerable<TrainingAttempt> Of(RunRecord record, string runPath)
    {
        string journal = RunFolder.JournalPathOf(runPath);
        IReadOnlyList<RunEvent> events = File.Exists(journal) ? RunJournalReader.ReadAll(journal) : [];
        return Of(record, runPath, events);
    }

    private static IEnumerable<TrainingAttempt> Of(RunRecord record, string runPath, IReadOnlyList<RunEvent> events)
    {
        int next = 0;
        for (int place = 0; place < record.Attempts.Count; place++)
        {
            int begin = BeginOf(record.Attempts[place], events, next);
            // One that was killed before it began to train has left no events.
            int end = begin < 0 ? next : begin + 1;
            while (end < events.Count && events[end] is not RunStarted)
                end++;
            next = end;

            // The next process may have had something to say before its own beginning.
            while (begin >= 0 && end < events.Count && end > begin + 1 && events[end - 1] is RunWarning or StopRequested)
                end--;
            RunEvent[] own = begin < 0 ? [] : [.. events.Take(end).Skip(begin)];
            yield return new TrainingAttempt(record, runPath, place, own);
        }
    }

    // By the order in the journal: a clock that was set back would hide a process's own beginning from its time.
    private static int BeginOf(RunAttempt attempt, IReadOnlyList<RunEvent> events, int from)
    {
        for (int place = from; place < events.Count; place++)
        {
            if (events[place] is RunStarted started && started.ProcessId == attempt.Process.ProcessId)
                return place;
        }

        return -1;
    }

    // Steps are told of once in a while only; the end of an epoch and a checkpoint say exactly how far it came.
    private static long? LastStepOf(IReadOnlyList<RunEvent> events)
    {
        if (events.Count == 0 || events[0] is not RunStarted run)
            return null;

        // Stages may have epochs of other lengths; their checkpoints tell.
        bool hasStages = events.Any(happened => happened is StageStarted);
        return events.Max(happened => happened switch
        {
            StepFinished step => step.GlobalStep,
            CheckpointSaved { GlobalStep: > 0 } saved => saved.GlobalStep - 1,
            EpochFinished epoch when !hasStages => ((epoch.Epoch + 1L) * run.StepsPerEpoch) - 1,
            _ => (long?)null,
        });
    }
}
