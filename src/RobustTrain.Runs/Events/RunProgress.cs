namespace RobustTrain.Runs.Events;

/// <summary>What an event changes in the run's record.</summary>
public static class RunProgress
{
    /// <summary>Whether an event of this kind changes the record.</summary>
    public static bool IsSeenBy(RunEvent runEvent) => runEvent is RunStarted or EpochFinished or TestFinished or RunFinished or CheckpointSaved { CompletedEpoch: not null };

    /// <summary>The record after the event.</summary>
    public static RunRecord Apply(RunRecord record, RunEvent runEvent) => runEvent switch
    {
        RunStarted started => Started(record, started),
        EpochFinished epoch => Finished(record, epoch),
        CheckpointSaved { CompletedEpoch: { } epoch } => record with { EpochsSaved = epoch + 1 },
        TestFinished test => record with { TestScores = test.Scores },
        RunFinished finished => Ended(record, finished),
        _ => record,
    };

    private static RunRecord Started(RunRecord record, RunStarted started) => record with
    {
        Epochs = started.Epochs,

        // Fewer than before, where the newest checkpoint was damaged and an older one was taken.
        EpochsDone = (started.ResumedFromEpoch ?? -1) + 1,
        EpochsSaved = (started.ResumedFromEpoch ?? -1) + 1,
        Attempts = WithLast(record.Attempts, attempt => attempt with { ResumedFromEpoch = started.ResumedFromEpoch }),
    };

    private static RunRecord Finished(RunRecord record, EpochFinished epoch)
    {
        RunRecord counted = record with { EpochsDone = epoch.Epoch + 1, LedgerTotals = epoch.LedgerTotals ?? record.LedgerTotals };
        return epoch.IsBest
            ? counted with { BestEpoch = epoch.Epoch, BestScore = epoch.Scores?.GetValueOrDefault(record.BestMetric) }
            : counted;
    }

    private static RunRecord Ended(RunRecord record, RunFinished finished)
    {
        RunState state = Enum.Parse<RunState>(finished.State, ignoreCase: true);

        // A clock that was set back meanwhile would have the run end before it began.
        DateTimeOffset measured = record.Started + TimeSpan.FromSeconds(record.DurationSeconds);
        DateTimeOffset ended = finished.Time > measured ? finished.Time : measured;

        // What no checkpoint holds is lost with the process.
        if (state == RunState.Failed && record.EpochsSaved is { } saved && saved < record.EpochsDone)
            record = record with { EpochsDone = saved };
        if (state == RunState.Failed && record.BestEpoch >= record.EpochsDone)
            record = record with { BestEpoch = null, BestScore = null };
        return record with
        {
            State = state,
            ExitCode = finished.ExitCode,
            Error = finished.Error,
            ErrorId = finished.ErrorId,
            Ended = ended,
            Attempts = WithLast(record.Attempts, attempt => attempt with
            {
                State = state,
                ExitCode = finished.ExitCode,
                Error = finished.Error,
                Ended = ended,
            }),
        };
    }

    private static RunAttempt[] WithLast(IReadOnlyList<RunAttempt> attempts, Func<RunAttempt, RunAttempt> change) =>
        [.. attempts.SkipLast(1), change(attempts[^1])];
}
