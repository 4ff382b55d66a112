using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>One process that worked on a run: how far it came, and how it ended.</summary>
public sealed record TrainingAttempt
{
    /// <summary>The run's name for people.</summary>
    public required string Name { get; init; }

    /// <summary>Its place among the run's processes, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>How it ended: Finished, Stopped, Failed, Interrupted where it went without a word; Running while it works.</summary>
    public required string State { get; init; }

    /// <summary>When it began, local time.</summary>
    public required DateTime StartTime { get; init; }

    /// <summary>When it ended, local time; of one that went without a word, its last event; null while it runs.</summary>
    public DateTime? EndTime { get; init; }

    /// <summary>The last epoch that was complete when it began, from 0; null where it began the run.</summary>
    public int? ResumedFromEpoch { get; init; }

    /// <summary>The last step of the run that is known to be its work, from 0; null where it came to none.</summary>
    public long? LastStep { get; init; }

    /// <summary>Its exit code; null while it runs, and where it was interrupted.</summary>
    public int? ExitCode { get; init; }

    /// <summary>One sentence, where it failed.</summary>
    public string? Error { get; init; }

    /// <summary>The process.</summary>
    public required int ProcessId { get; init; }

    /// <summary>Its machine.</summary>
    public required string ComputerName { get; init; }

    /// <summary>The run's folder.</summary>
    public required string RunPath { get; init; }

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
            RunEvent[] own = begin < 0 ? [] : [events[begin], .. events.Skip(begin + 1).TakeWhile(candidate => candidate is not RunStarted)];
            next = begin < 0 ? next : begin + own.Length;
            yield return Of(record, runPath, place, own);
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

    private static TrainingAttempt Of(RunRecord record, string runPath, int place, IReadOnlyList<RunEvent> events)
    {
        RunAttempt attempt = record.Attempts[place];
        RunState state = attempt.ObservedState;
        DateTimeOffset? ended = attempt.Ended ?? (state == RunState.Interrupted ? events.LastOrDefault()?.Time : null);
        return new TrainingAttempt
        {
            Name = record.Name,
            Attempt = place + 1,
            State = state.ToString(),
            StartTime = attempt.Started.LocalDateTime,
            EndTime = ended?.LocalDateTime,
            ResumedFromEpoch = attempt.ResumedFromEpoch,
            LastStep = LastStepOf(events),
            ExitCode = attempt.ExitCode,
            Error = attempt.Error,
            ProcessId = attempt.Process.ProcessId,
            ComputerName = attempt.Process.Host,
            RunPath = runPath,
        };
    }

    // Steps are told of once in a while only; the end of an epoch and a checkpoint say exactly how far it came.
    private static long? LastStepOf(IReadOnlyList<RunEvent> events)
    {
        if (events.Count == 0 || events[0] is not RunStarted run)
            return null;

        return events.Max(happened => happened switch
        {
            StepFinished step => step.GlobalStep,
            CheckpointSaved { GlobalStep: > 0 } saved => saved.GlobalStep - 1,
            EpochFinished epoch => ((epoch.Epoch + 1L) * run.StepsPerEpoch) - 1,
            _ => (long?)null,
        });
    }
}
