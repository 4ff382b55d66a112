using System.Security.Cryptography;
using System.Text;
using RobustTrain.Dashboard.Journals;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Dashboard.Catalog;

/// <summary>
/// A run as the list shows it: its record, and the newest of each kind of event, for which only the end of its journal is read. Used under the
/// catalog's lock.
/// </summary>
internal sealed class TrackedRun
{
    private const long MostRecordBytes = 8 << 20;
    private const int HeadBytes = 4 << 10;
    private const int FirstTailBytes = 16 << 10;
    private const int TailBytes = 96 << 10;

    private readonly JournalTail _tail;
    private (DateTime Written, long Length) _recordSeen;
    private long _journalSeen = -1;
    private RunState? _stateSeen;
    private string? _errorSeen;
    private RunStarted? _started;
    private StepFinished? _firstStep;
    private StepFinished? _step;
    private EpochFinished? _epoch;
    private EvaluationProgress? _evaluation;

    /// <summary>A run that has not been read yet.</summary>
    /// <param name="root">The runs' folder.</param>
    /// <param name="folder">The run's folder.</param>
    public TrackedRun(string root, string folder)
    {
        Folder = folder;
        RelativePath = System.IO.Path.GetRelativePath(root, folder) is var relative and not "." ? relative.Replace('\\', '/') : System.IO.Path.GetFileName(folder);
        Id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..16];
        _tail = new JournalTail(RunFolder.JournalPathOf(folder));
        History = new RunHistory(folder);
        Summary = new RunSummary { Id = Id, Path = RelativePath, State = "unreadable" };
    }

    /// <summary>Names it in requests.</summary>
    public string Id { get; }

    /// <summary>Its folder, absolute.</summary>
    public string Folder { get; }

    /// <summary>Its folder, relative to the runs' folder.</summary>
    public string RelativePath { get; }

    /// <summary>Its record; null where it can't be read.</summary>
    public RunRecord? Record { get; private set; }

    /// <summary>As the list shows it.</summary>
    public RunSummary Summary { get; private set; }

    /// <summary>The last epoch that its journal's end tells of.</summary>
    public EpochFinished? LastEpoch => _epoch;

    /// <summary>Its curves and events, which are read when somebody looks at them.</summary>
    public RunHistory History { get; private set; }

    /// <summary>Forgets its curves and events, until somebody looks at them again.</summary>
    public void DropHistory() => History = new RunHistory(Folder);

    /// <summary>Looks at its files again.</summary>
    /// <returns>Whether something has changed.</returns>
    public bool Refresh()
    {
        string? error = null;
        bool changed = false;
        try
        {
            changed = RefreshRecord();
            changed |= RefreshJournal();
        }
        catch (Exception refused) when (refused is RunException or IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
        {
            error = refused.Message;
        }

        RunState? state = Record?.ObservedState;
        if (!changed && error == _errorSeen && state == _stateSeen && Summary.Revision > 0)
            return false;
        _errorSeen = error;
        _stateSeen = state;
        Summary = Summarize(state, error) with { Revision = Summary.Revision + 1 };
        return true;
    }

    private bool RefreshRecord()
    {
        FileInfo file = new(RunFolder.RecordPathOf(Folder));
        (DateTime, long) seen = file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
        if (seen == _recordSeen && (Record is not null || seen == default))
            return Record is null ? throw new IOException($"There is no '{file.FullName}'.") : false;
        Record = null;
        RunRecord record = RunFolder.ParseRecord(PlainFile.Read(file.FullName, MostRecordBytes), Folder);
        if (record.Process is null || record.Name is null || record.Attempts.Any(attempt => attempt?.Process is null))
            throw new IOException($"The record '{file.FullName}' is damaged: it lacks what every run has.");
        Record = record;
        _recordSeen = seen;
        return true;
    }

    private bool RefreshJournal()
    {
        long length = _tail.Length;
        if (length == _journalSeen)
            return false;
        if (length < _tail.Position)
            Forget();
        bool isFirst = _journalSeen < 0;
        if (isFirst || length - _tail.Position > TailBytes)
            SkipAhead(length, isFirst ? FirstTailBytes : TailBytes);
        if (length > 0)
            _tail.Read(Take);

        // The end of an epoch of many steps is further from the journal's.
        if (isFirst && _epoch is null && length > FirstTailBytes)
        {
            _tail.MoveTo(Math.Max(0, length - TailBytes));
            _tail.Read(Take);
        }

        _journalSeen = length;
        return true;
    }

    private void Forget()
    {
        _tail.MoveTo(0);
        (_started, _firstStep, _step, _epoch, _evaluation) = (null, null, null, null, null);
        DropHistory();
    }

    // The journal of a long run is hundreds of megabytes, and the list needs its end alone, and the beginning for the steps of an epoch.
    private void SkipAhead(long length, int tail)
    {
        if (_started is null && length > tail + HeadBytes)
            _tail.Read(Take, until: HeadBytes);
        if (length - _tail.Position > tail)
        {
            _firstStep = null;
            _tail.MoveTo(length - tail);
        }
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        switch (StepLine.Read(line) ?? EventLine.Read(line))
        {
            case RunStarted started:
                _started = started;
                (_firstStep, _step, _evaluation) = (null, null, null);
                break;
            case StepFinished step:
                if (_firstStep is null || _firstStep.GlobalStep >= step.GlobalStep)
                    _firstStep = step;
                _step = step;
                _evaluation = null;
                break;
            case EpochFinished epoch:
                _epoch = epoch;
                _evaluation = null;
                break;
            case EvaluationProgress evaluation:
                _evaluation = evaluation;
                break;
            case RunFinished:
                _evaluation = null;
                break;
        }
    }

    private RunSummary Summarize(RunState? state, string? error)
    {
        if (Record is not { } record || state is not { } known)
            return new RunSummary { Id = Id, Path = RelativePath, State = "unreadable", Error = error, Revision = Summary.Revision };
        bool runs = known == RunState.Running;
        bool isHere = string.Equals(record.Process.Host, Environment.MachineName, StringComparison.OrdinalIgnoreCase);
        return new RunSummary
        {
            Id = Id,
            Path = RelativePath,
            Name = record.Name,
            State = known.ToString().ToLowerInvariant(),
            Error = error ?? record.Error,
            Task = record.Task,
            Host = record.Process.Host,
            ProcessId = record.Process.ProcessId,
            EpochsDone = record.EpochsDone,
            Epochs = record.Epochs,
            Progress = Progress(record, runs),
            SecondsLeft = runs ? SecondsLeft() : null,
            Phase = runs && _evaluation is { } evaluation ? $"{(evaluation.Split == "test" ? "testing" : "validating")} {evaluation.Done}/{evaluation.Total}" : null,
            Loss = Finite(runs ? _step?.Loss ?? _epoch?.TrainLoss : _epoch?.TrainLoss ?? _step?.Loss),
            TrainLoss = Finite(_epoch?.TrainLoss),
            LearningRate = Finite(runs ? _step?.LearningRate ?? _epoch?.LearningRate : _epoch?.LearningRate),
            SamplesPerSecond = Finite(runs ? _step?.SamplesPerSecond ?? _epoch?.SamplesPerSecond : _epoch?.SamplesPerSecond),
            DataWaitShare = Finite(runs ? _step?.DataWaitShare ?? _epoch?.DataWaitShare : _epoch?.DataWaitShare),
            BestMetric = record.BestMetric,
            BestScore = Finite(record.BestScore),
            BestEpoch = record.BestEpoch,
            Started = record.Started,
            Updated = record.Updated,
            DurationSeconds = record.DurationSeconds,
            Attempts = record.Attempts.Count,
            Skipped = record.LedgerTotals?.Skipped ?? 0,
            CanStop = runs && isHere,
            CanResume = isHere && known is RunState.Stopped or RunState.Failed or RunState.Interrupted,
        };
    }

    private double Progress(RunRecord record, bool runs)
    {
        double whole = record.Epochs <= 0 ? 0 : (double)record.EpochsDone / record.Epochs;
        if (runs && _step is { } step && _started is { StepsPerEpoch: > 0 } started && record.Epochs > 0)
            whole = Math.Max(whole, (step.GlobalStep + 1.0) / ((double)started.StepsPerEpoch * record.Epochs));
        return Math.Clamp(whole, 0, 1);
    }

    // By the journal's own times: a page that is opened now has not seen the steps before.
    private double? SecondsLeft()
    {
        if (Record is not { } record)
            return null;
        double? seconds = null;
        if (_step is { } last && _firstStep is { } first && last.GlobalStep > first.GlobalStep && _started is { StepsPerEpoch: > 0 } started)
            seconds = (last.Time - first.Time).TotalSeconds / (last.GlobalStep - first.GlobalStep) * (((double)started.StepsPerEpoch * record.Epochs) - last.GlobalStep - 1);
        else if (_epoch is { DurationSeconds: > 0 } epoch)
            seconds = epoch.DurationSeconds * (record.Epochs - record.EpochsDone);
        return seconds is { } left && double.IsFinite(left) ? Math.Round(Math.Max(0, left)) : null;
    }

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
