using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Reports;

/// <summary>All that a run's folder tells of it, read once: of a run at work, one that failed or was interrupted too.</summary>
public sealed class RunStory
{
    // People read the first of them; the journal has all.
    private const int MostNotices = 200;
    private const int MostLedgerEntries = 200;

    private readonly List<string> _problems = [];

    private RunStory(string path, RunRecord record) => (Path, Record) = (path, record);

    /// <summary>The run's folder.</summary>
    public string Path { get; }

    /// <summary>Its record.</summary>
    public RunRecord Record { get; }

    /// <summary>What it has used; null of runs of older versions.</summary>
    public RunCost? Cost { get; private set; }

    /// <summary>Its epochs, each as it was trained last.</summary>
    public IReadOnlyList<EpochFinished> Epochs { get; private set; } = [];

    /// <summary>The losses and learning rates of its steps; of the epoch under way those that the journal tells.</summary>
    public IReadOnlyList<StepLoss> Steps { get; private set; } = [];

    /// <summary>The steps at which a process has gone on with the run.</summary>
    public IReadOnlyList<long> Resumptions { get; private set; } = [];

    /// <summary>The host's figures beside steps.</summary>
    public IReadOnlyList<SystemSample> Systems { get; private set; } = [];

    /// <summary>Warnings, numeric failures, dead workers and what else people should know; the first ones.</summary>
    public IReadOnlyList<RunEvent> Notices { get; private set; } = [];

    /// <summary>How many notices there are.</summary>
    public int NoticeCount { get; private set; }

    /// <summary>The scores of the test; null before it is done.</summary>
    public ScoreFile? Test { get; private set; }

    /// <summary>The scores of the best epoch's validation; null before the first.</summary>
    public ScoreFile? BestValidation { get; private set; }

    /// <summary>The samples that were not simply delivered, with their epoch; the first ones.</summary>
    public IReadOnlyList<(int Epoch, LedgerLine Line)> LedgerLines { get; private set; } = [];

    /// <summary>How many of them there are.</summary>
    public int LedgerLineCount { get; private set; }

    /// <summary>The configuration, every default filled in; null where its file is missing.</summary>
    public string? Configuration { get; private set; }

    /// <summary>What its stages change, by dotted names as stages.epoch-4.data.crop_size; empty where there are none.</summary>
    public IReadOnlyList<(string Key, string Value)> StageSettings { get; private set; } = [];

    /// <summary>The classes' names; empty where there are none.</summary>
    public IReadOnlyList<string> ClassNames { get; private set; } = [];

    /// <summary>What could not be read, a sentence each.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Whether a higher score of <see cref="RunRecord.BestMetric"/> is better, which the epochs tell that were the best so far.</summary>
    public bool IsHigherBetter
    {
        get
        {
            (double Score, bool IsBest)[] scored = [.. Epochs.Where(epoch => epoch.Scores?.ContainsKey(Record.BestMetric) == true).Select(epoch => (epoch.Scores![Record.BestMetric], epoch.IsBest))];
            double[] best = [.. scored.Where(epoch => epoch.IsBest).Select(epoch => epoch.Score)];
            double[] others = [.. scored.Where(epoch => !epoch.IsBest).Select(epoch => epoch.Score)];
            return best.Length > 1 ? best[^1] >= best[0] : best.Length == 0 || others.Length == 0 || best[0] >= others.Average();
        }
    }

    /// <summary>Reads a run.</summary>
    /// <param name="path">Its folder.</param>
    /// <param name="progress">Is told what is read.</param>
    /// <param name="stopping">Gives up.</param>
    /// <exception cref="RunException">The folder holds no run, or its record can't be read.</exception>
    public static RunStory Read(string path, Action<string>? progress = null, CancellationToken stopping = default)
    {
        path = System.IO.Path.GetFullPath(path);
        RunRecord record = RunFolder.ReadRecord(path);
        RunStory story = new(path, record) { Cost = RunCost.Of(record, path) };
        progress?.Invoke("events.ndjson");
        StepFinished[] underWay = story.ReadJournal(stopping);
        story.ReadEpochs(progress, stopping);
        story.AddStepsUnderWay(underWay);
        progress?.Invoke("test.json");
        story.Test = story.ReadJson(System.IO.Path.Combine(path, "test.json"), StoryJson.Default.ScoreFile);
        if (record.BestEpoch is { } best)
            story.BestValidation = story.ReadJson(System.IO.Path.Combine(RunFolder.EpochFolderOf(path, best), "scores.json"), StoryJson.Default.ScoreFile);
        story.ReadConfiguration();
        return story;
    }

    // Gives the steps after the last complete epoch.
    private StepFinished[] ReadJournal(CancellationToken stopping)
    {
        SortedDictionary<int, EpochFinished> epochs = [];
        List<StepFinished> steps = [];
        List<long> resumptions = [];
        List<SystemSample> systems = [];
        List<RunEvent> notices = [];
        bool isFirstProcess = true;
        bool hasGoneOn = false;
        try
        {
            foreach (RunEvent happened in RunJournalReader.Enumerate(RunFolder.JournalPathOf(Path), "evaluation_progress", "cost"))
            {
                stopping.ThrowIfCancellationRequested();
                switch (happened)
                {
                    case RunStarted:
                        hasGoneOn = !isFirstProcess;
                        isFirstProcess = false;
                        steps.Clear();
                        break;
                    case EpochStarted:
                        steps.Clear();
                        break;
                    case StepFinished step:
                        steps.Add(step);
                        if (hasGoneOn)
                            resumptions.Add(step.GlobalStep);
                        hasGoneOn = false;
                        break;
                    case EpochFinished epoch:
                        epochs[epoch.Epoch] = epoch;
                        break;
                    case SystemSample sample:
                        // Steps that a killed process had taken and not saved were taken again.
                        while (systems.Count > 0 && systems[^1].GlobalStep >= sample.GlobalStep)
                            systems.RemoveAt(systems.Count - 1);
                        systems.Add(sample);
                        break;
                    case RunWarning or NumericFailureHandled or MicroBatchHalved or StoppedEarly or StopRequested
                        or LoaderChanged { Kind: "worker_died" or "worker_stuck" or "sample_skipped" or "sample_quarantined" or "fell_back" or "quarantine_not_written" }:
                        NoticeCount++;
                        if (notices.Count < MostNotices)
                            notices.Add(happened);
                        break;
                }
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            _problems.Add($"The journal can't be read: {unreadable.Message}");
        }

        // What a killed process had trained and not saved was trained again, or is lost.
        Epochs = [.. epochs.Values.Where(epoch => epoch.Epoch < Math.Max(Record.EpochsDone, Record.State == RunState.Running ? int.MaxValue : 0))];
        (Resumptions, Systems, Notices) = (resumptions, systems, notices);
        return [.. steps.Where(step => step.Epoch >= Epochs.Count)];
    }

    private void ReadEpochs(Action<string>? progress, CancellationToken stopping)
    {
        List<StepLoss> steps = [];
        List<(int, LedgerLine)> lines = [];
        foreach (EpochFinished epoch in Epochs)
        {
            stopping.ThrowIfCancellationRequested();
            string folder = RunFolder.EpochFolderOf(Path, epoch.Epoch);
            progress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"epochs/{epoch.Epoch:D4}"));
            ReadLosses(System.IO.Path.Combine(folder, "losses.csv"), epoch.Epoch, steps);
            if (epoch.Loader is { Skipped: 0, Retried: 0, Quarantined: 0 } || ReadJson(System.IO.Path.Combine(folder, "ledger.json"), StoryJson.Default.LedgerFile) is not { } ledger)
                continue;
            LedgerLineCount += ledger.Entries.Count;
            lines.AddRange(ledger.Entries.Take(Math.Max(0, MostLedgerEntries - lines.Count)).Select(line => (epoch.Epoch, line)));
        }

        (Steps, LedgerLines) = (steps, lines);
    }

    private void AddStepsUnderWay(StepFinished[] underWay) =>
        Steps = [.. Steps, .. underWay.Select(step => new StepLoss(step.GlobalStep, step.Epoch, step.Loss, step.LearningRate))];

    // An epoch that has just ended has its files only once its checkpoint is on disk.
    private void ReadLosses(string file, int epoch, List<StepLoss> steps)
    {
        if (!File.Exists(file))
            return;
        try
        {
            foreach (string line in File.ReadLines(file).Skip(1))
            {
                string[] values = line.Split(',');
                if (values.Length == 4 && long.TryParse(values[1], CultureInfo.InvariantCulture, out long step)
                    && double.TryParse(values[2], CultureInfo.InvariantCulture, out double loss) && double.TryParse(values[3], CultureInfo.InvariantCulture, out double rate))
                    steps.Add(new StepLoss(step, epoch, loss, rate));
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            _problems.Add($"'{file}' can't be read: {unreadable.Message}");
        }
    }

    private T? ReadJson<T>(string file, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        if (!File.Exists(file))
            return null;
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), type);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or JsonException)
        {
            _problems.Add($"'{file}' can't be read: {unreadable.Message}");
            return null;
        }
    }

    private void ReadConfiguration()
    {
        string file = RunFolder.ConfigPathOf(Path);
        try
        {
            Configuration = File.Exists(file) ? File.ReadAllText(file) : null;
            if (Configuration is null)
                return;
            ClassNames = RunSettings.ListOf(Configuration, "class_names");
            StageSettings = [.. RunSettings.All(Configuration).Where(setting => setting.Key.StartsWith("stages.", StringComparison.Ordinal)).Select(setting => (setting.Key, setting.Value))];
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            _problems.Add($"'{file}' can't be read: {unreadable.Message}");
        }
    }
}

/// <summary>A step of the optimiser.</summary>
/// <param name="Step">The step in the run, from 0.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Loss">Its loss.</param>
/// <param name="LearningRate">Its learning rate.</param>
public readonly record struct StepLoss(long Step, int Epoch, double Loss, double LearningRate);

/// <summary>A file of scores, as the trainer writes it.</summary>
/// <param name="Epoch">The epoch of the weights.</param>
/// <param name="Split">The split.</param>
/// <param name="Aggregated">The scores of all samples together.</param>
/// <param name="Classes">The scores of each class; null where the task has none.</param>
/// <param name="Datapoints">Each sample's own scores.</param>
public sealed record ScoreFile(
    int Epoch, string Split, IReadOnlyDictionary<string, double> Aggregated, IReadOnlyList<IReadOnlyDictionary<string, double?>>? Classes, IReadOnlyList<SampleScores> Datapoints)
{
    /// <summary>The confusion matrix of all samples, row-major: truth by row, prediction by column; null where the task has no classes.</summary>
    public long[]? Confusion()
    {
        long[]? sum = null;
        foreach (IReadOnlyList<long> own in Datapoints.Select(sample => sample.Confusion).OfType<IReadOnlyList<long>>())
        {
            sum ??= new long[own.Count];
            for (int cell = 0; cell < Math.Min(sum.Length, own.Count); cell++)
                sum[cell] += own[cell];
        }

        return sum;
    }

    /// <summary>The samples with the worst score, the worst first; of those that have it.</summary>
    /// <param name="metric">The score.</param>
    /// <param name="isHigherBetter">Whether a higher one is better.</param>
    /// <param name="most">The most samples.</param>
    public IReadOnlyList<(string Name, double Score)> Worst(string metric, bool isHigherBetter, int most)
    {
        (string Name, double Score)[] scored = [.. Datapoints.Where(sample => sample.Scores.TryGetValue(metric, out double score) && double.IsFinite(score)).Select(sample => (sample.Name, sample.Scores[metric]))];
        return [.. (isHigherBetter ? scored.OrderBy(sample => sample.Score) : scored.OrderByDescending(sample => sample.Score)).ThenBy(sample => sample.Name, StringComparer.Ordinal).Take(most)];
    }
}

/// <summary>A sample's own scores.</summary>
/// <param name="Name">The sample.</param>
/// <param name="Scores">Its scores.</param>
/// <param name="Confusion">Its confusion matrix; null where the task has no classes.</param>
public sealed record SampleScores(string Name, IReadOnlyDictionary<string, double> Scores, IReadOnlyList<long>? Confusion);

/// <summary>An epoch's ledger, as far as reports need it.</summary>
/// <param name="Entries">The samples that were not simply delivered.</param>
public sealed record LedgerFile(IReadOnlyList<LedgerLine> Entries);

/// <summary>A sample that was not simply delivered.</summary>
/// <param name="Action">retried, skipped or quarantined.</param>
/// <param name="Sample">Its name.</param>
/// <param name="Worker">The worker that had it.</param>
/// <param name="Reason">Why.</param>
public sealed record LedgerLine(string Action, string Sample, string Worker, string Reason);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(ScoreFile))]
[JsonSerializable(typeof(LedgerFile))]
internal sealed partial class StoryJson : JsonSerializerContext;
