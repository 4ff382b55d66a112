using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Training;

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

    /// <summary>The last step of the run that it has told of, from 0; null where it came to none.</summary>
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
        return record.Attempts.Select((attempt, place) => Of(record, runPath, place, EventsOf(attempt, events)));
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
            LastStep = events.OfType<StepFinished>().LastOrDefault()?.GlobalStep,
            ExitCode = attempt.ExitCode,
            Error = attempt.Error,
            ProcessId = attempt.Process.ProcessId,
            ComputerName = attempt.Process.Host,
            RunPath = runPath,
        };
    }

    // From its own beginning to the next process's; one that was killed before it began to train has left none.
    private static IReadOnlyList<RunEvent> EventsOf(RunAttempt attempt, IReadOnlyList<RunEvent> events)
    {
        bool IsBegin(RunEvent candidate) =>
            candidate is RunStarted started && started.ProcessId == attempt.Process.ProcessId && started.Time >= attempt.Started;
        RunEvent[] own = [.. events.SkipWhile(candidate => !IsBegin(candidate))];
        return own.Length == 0 ? [] : [own[0], .. own.Skip(1).TakeWhile(candidate => candidate is not RunStarted)];
    }
}
