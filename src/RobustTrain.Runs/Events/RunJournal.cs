using System.Buffers;

namespace RobustTrain.Runs.Events;

/// <summary>
/// A run's journal on disk: <c>events.ndjson</c>, one JSON object a line, each line appended by one write. Keeps <c>run.json</c>
/// in step with what is written.
/// </summary>
public sealed class RunJournal : IRunJournal, IDisposable
{
    private readonly RunFolder _run;
    private readonly TimeProvider _time;
    private readonly FileStream _file;
    private readonly ArrayBufferWriter<byte> _line = new(512);
    private readonly Queue<RunEvent> _unrecorded = new();
    private readonly Lock _gate = new();
    private CostMeasured? _cost;

    /// <summary>Opens the journal of a run, to go on after its last whole line.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public RunJournal(RunFolder run, TimeProvider? time = null)
    {
        _run = run;
        _time = time ?? TimeProvider.System;
        _file = new FileStream(run.JournalPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, bufferSize: 0);
        CutTornLine(_file);
    }

    /// <summary>
    /// Appends an event. Where the disk takes the line and not the record, the record follows with the next event;
    /// <see cref="RunFinished"/>, after which there is none, is refused then.
    /// </summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Write(RunEvent runEvent)
    {
        lock (_gate)
        {
            RunEvent timed = runEvent.Time == default ? runEvent with { Time = _time.GetUtcNow() } : runEvent;
            _line.ResetWrittenCount();
            EventLine.Write(_line, timed);
            long start = _file.Position;
            try
            {
                _file.Write(_line.WrittenSpan);
            }
            catch (IOException)
            {
                // A full disk may have taken half of the line; the next one must not be glued to it.
                _file.SetLength(start);
                throw;
            }

            if (timed is CostMeasured cost)
                _cost = cost;
            else if (RunProgress.IsSeenBy(timed))
                _unrecorded.Enqueue(timed);
            TryRecord(timed);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
            _file.Dispose();
    }

    // The line is written, and would be written twice were it refused now.
    private void TryRecord(RunEvent written)
    {
        // A checkpoint's own word can wait for the next event, and what was used for one that changes more: the record costs a flush.
        if (_unrecorded.Count == 0 || written is CheckpointSaved)
            return;
        try
        {
            _run.Update(record => _unrecorded.Aggregate(_cost is null ? record : RunProgress.Apply(record, _cost), RunProgress.Apply));
            _unrecorded.Clear();
        }
        catch (Exception refused) when (written is not RunFinished && refused is IOException or UnauthorizedAccessException)
        {
            // Nothing is lost: what the record lacks is kept, and told where it matters, at the end.
        }
        catch (RunException)
        {
            // The run is another process's now, which is told once, to the trainer: a thread of the loader has nobody to tell.
            _unrecorded.Clear();
            throw;
        }
    }

    // A process that was killed, or a disk that was full, in the middle of a line has not written it.
    private static void CutTornLine(FileStream file)
    {
        long end = file.Length;
        Span<byte> last = stackalloc byte[1];
        while (end > 0)
        {
            file.Position = end - 1;
            file.ReadExactly(last);
            if (last[0] == (byte)'\n')
                break;
            end--;
        }

        if (end < file.Length)
            file.SetLength(end);
        file.Position = end;
    }
}

/// <summary>Takes a run's events, in order, from any thread.</summary>
public interface IRunJournal
{
    /// <summary>Writes one event, with the present time where it has none.</summary>
    void Write(RunEvent runEvent);
}

/// <summary>What an event changes in the run's record.</summary>
public static class RunProgress
{
    /// <summary>Whether an event of this kind changes the record.</summary>
    public static bool IsSeenBy(RunEvent runEvent) => runEvent is RunStarted or RanksMeasured or EpochFinished or TestFinished or RunFinished or CheckpointSaved { CompletedEpoch: not null };

    /// <summary>The record after the event.</summary>
    public static RunRecord Apply(RunRecord record, RunEvent runEvent) => runEvent switch
    {
        RunStarted started => Started(record, started),
        RanksMeasured measured => record with { SlowestRank = measured.Summary() },
        EpochFinished epoch => Finished(record, epoch),
        CheckpointSaved { CompletedEpoch: { } epoch } => record with { EpochsSaved = epoch + 1 },
        TestFinished test => record with { TestScores = test.Scores },
        CostMeasured cost => record with { Attempts = WithLast(record.Attempts, attempt => Used(attempt, cost)) },
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

    private static RunAttempt Used(RunAttempt attempt, CostMeasured cost) => attempt with
    {
        DurationSeconds = Math.Max(attempt.DurationSeconds ?? 0, cost.DurationSeconds),
        Cost = new RunCost(cost.DurationSeconds, cost.GpuSeconds, cost.CpuSeconds, cost.EnergyJoules, cost.DataWaitSeconds),
    };

    private static RunAttempt[] WithLast(IReadOnlyList<RunAttempt> attempts, Func<RunAttempt, RunAttempt> change) =>
        [.. attempts.SkipLast(1), change(attempts[^1])];
}
