using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Dashboard.Journals;

/// <summary>What a run's journal tells from its beginning: curves of bounded size, the newest events, the samples that were not delivered.</summary>
/// <param name="run">The run's folder.</param>
internal sealed class RunHistory(string run)
{
    private const int EpochPoints = 2048;
    private const int StepPoints = 600;
    private const int MostScores = 64;
    private const int KeptEvents = 500;
    private const int KeptSamples = 500;
    private const int KeptEpochs = 500;

    private readonly Lock _gate = new();
    private readonly JournalTail _tail = new(RunFolder.JournalPathOf(run));
    private readonly SortedDictionary<string, Series> _epochs = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Series> _steps = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Series> _scores = new(StringComparer.Ordinal);
    private readonly Queue<JournalEntry> _events = new();
    private readonly Queue<SampleEntry> _samples = new();
    private readonly List<EpochEntry> _ledger = [];
    private int _sampleEvents;
    private long _eventCount;

    /// <summary>Reads what is new, and gives all as it stands.</summary>
    /// <exception cref="IOException">The journal can't be read.</exception>
    public HistoryView Read()
    {
        lock (_gate)
        {
            // A journal is only appended to; a shorter one is another.
            if (_tail.Length < _tail.Position)
                Forget();
            try
            {
                _tail.Read(Take);
            }
            catch (FileNotFoundException) when (_tail.Position == 0)
            {
                // A run that has just begun has none yet.
            }

            return new HistoryView(
                Views(_epochs), Views(_scores), Views(_steps),
                [.. _events.Reverse()], _eventCount, [.. _samples.Reverse()], _sampleEvents, [.. Enumerable.Reverse(_ledger)], _tail.PassedOver);
        }
    }

    private static Dictionary<string, CurveView> Views(SortedDictionary<string, Series> curves) =>
        curves.ToDictionary(curve => curve.Key, curve => new CurveView(curve.Value.X(), curve.Value.Y(), curve.Value.IsExact));

    private void Forget()
    {
        _tail.MoveTo(0);
        _epochs.Clear();
        _steps.Clear();
        _scores.Clear();
        _events.Clear();
        _samples.Clear();
        _ledger.Clear();
        _sampleEvents = 0;
        _eventCount = 0;
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        _eventCount++;
        RunEvent? happened = StepLine.Read(line) ?? EventLine.Read(line);
        switch (happened)
        {
            case StepFinished step:
                Add(_steps, "loss", StepPoints, step.GlobalStep, step.Loss);
                Add(_steps, "learning_rate", StepPoints, step.GlobalStep, step.LearningRate);
                Add(_steps, "samples_per_second", StepPoints, step.GlobalStep, step.SamplesPerSecond);
                Add(_steps, "data_wait_share", StepPoints, step.GlobalStep, step.DataWaitShare);
                return;
            case EpochFinished epoch:
                Take(epoch);
                break;
            case LoaderChanged { Kind: "sample_skipped" or "sample_quarantined" or "sample_failed" } sample:
                _sampleEvents++;
                Keep(_samples, new SampleEntry(sample.Time, sample.Kind, sample.Split, sample.Epoch, sample.SampleIndex, sample.Sample, sample.Message), KeptSamples);
                break;
        }

        if (happened is not null && JournalText.Of(happened) is { } text)
            Keep(_events, new JournalEntry(happened.Time, text.Kind, text.Message, text.IsTrouble), KeptEvents);
    }

    private void Take(EpochFinished epoch)
    {
        Add(_epochs, "train_loss", EpochPoints, epoch.Epoch, epoch.TrainLoss);
        Add(_epochs, "learning_rate", EpochPoints, epoch.Epoch, epoch.LearningRate);
        Add(_epochs, "samples_per_second", EpochPoints, epoch.Epoch, epoch.SamplesPerSecond);
        Add(_epochs, "data_wait_share", EpochPoints, epoch.Epoch, epoch.DataWaitShare);
        Add(_epochs, "duration_seconds", EpochPoints, epoch.Epoch, epoch.DurationSeconds);
        foreach ((string name, double score) in epoch.Scores ?? new Dictionary<string, double>())
        {
            if (_scores.ContainsKey(name) || _scores.Count < MostScores)
                Add(_scores, name, EpochPoints, epoch.Epoch, score);
        }

        while (_ledger.Count > 0 && _ledger[^1].Epoch >= epoch.Epoch)
            _ledger.RemoveAt(_ledger.Count - 1);
        _ledger.Add(new EpochEntry(epoch.Epoch, epoch.IsBest, epoch.Loader));
        if (_ledger.Count > KeptEpochs)
            _ledger.RemoveAt(0);
    }

    private static void Add(SortedDictionary<string, Series> curves, string name, int capacity, double x, double y)
    {
        if (!curves.TryGetValue(name, out Series? curve))
            curves[name] = curve = new Series(capacity);
        curve.Add(x, y);
    }

    private static void Keep<T>(Queue<T> kept, T item, int most)
    {
        kept.Enqueue(item);
        if (kept.Count > most)
            kept.Dequeue();
    }
}

/// <summary>A run's history, as the page is told it.</summary>
/// <param name="Epochs">Curves by epoch.</param>
/// <param name="Scores">Scores by epoch.</param>
/// <param name="Steps">Curves by step.</param>
/// <param name="Events">The newest events, newest first, those of steps and progress left out.</param>
/// <param name="EventCount">All lines of the journal.</param>
/// <param name="Samples">The newest samples that failed or were not delivered, newest first.</param>
/// <param name="SampleCount">How many such events there were.</param>
/// <param name="Ledger">The account of the newest epochs, newest first.</param>
/// <param name="LongLines">Lines that were too long to be events.</param>
internal sealed record HistoryView(
    IReadOnlyDictionary<string, CurveView> Epochs,
    IReadOnlyDictionary<string, CurveView> Scores,
    IReadOnlyDictionary<string, CurveView> Steps,
    IReadOnlyList<JournalEntry> Events,
    long EventCount,
    IReadOnlyList<SampleEntry> Samples,
    int SampleCount,
    IReadOnlyList<EpochEntry> Ledger,
    int LongLines);

/// <summary>A curve.</summary>
/// <param name="X">Its places.</param>
/// <param name="Y">Its values; null for what is no number.</param>
/// <param name="Exact">Whether each point is one event, and not the mean of several.</param>
internal sealed record CurveView(double[] X, double?[] Y, bool Exact);

/// <summary>An event for people.</summary>
internal sealed record JournalEntry(DateTimeOffset Time, string Kind, string Message, bool Trouble);

/// <summary>A sample that failed or was not delivered.</summary>
internal sealed record SampleEntry(DateTimeOffset Time, string Kind, string? Split, int? Epoch, int? Index, string? Sample, string Reason);

/// <summary>The account of an epoch.</summary>
internal sealed record EpochEntry(int Epoch, bool Best, LoaderFigures? Loader);
