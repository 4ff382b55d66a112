using System.Globalization;
using RobustTrain.Reports;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Output;

/// <summary>A setting or a score in which a run differs from another.</summary>
public sealed record TrainingRunDifference
{
    /// <summary>Setting or Score.</summary>
    public required string Kind { get; init; }

    /// <summary>The setting's key, as optimizer.learning_rate, or the score's name, as test_f1.</summary>
    public required string Name { get; init; }

    /// <summary>The first run's value; null where it has none.</summary>
    public string? Reference { get; init; }

    /// <summary>This run's value; null where it has none.</summary>
    public string? Value { get; init; }

    /// <summary>By how much this run's value is higher, where both are numbers.</summary>
    public double? Change { get; init; }

    /// <summary>The first run's folder.</summary>
    public required string ReferencePath { get; init; }

    /// <summary>This run's folder.</summary>
    public required string RunPath { get; init; }

    /// <summary>What differs between two runs: first the settings, then the scores.</summary>
    /// <param name="reference">The first run's folder.</param>
    /// <param name="run">The other run's folder.</param>
    /// <param name="withEqual">Whether what is equal is told too.</param>
    /// <exception cref="RunException">A folder holds no run, or what it holds can't be read.</exception>
    internal static IEnumerable<TrainingRunDifference> Between(string reference, string run, bool withEqual)
    {
        (string Kind, IReadOnlyDictionary<string, string> First, IReadOnlyDictionary<string, string> Second)[] groups =
        [
            ("Setting", SettingsOf(reference), SettingsOf(run)),
            ("Score", ScoresOf(RunFolder.ReadRecord(reference)), ScoresOf(RunFolder.ReadRecord(run))),
        ];
        foreach ((string kind, IReadOnlyDictionary<string, string> first, IReadOnlyDictionary<string, string> second) in groups)
        {
            foreach (string name in first.Keys.Union(second.Keys))
            {
                (string? before, string? after) = (first.GetValueOrDefault(name), second.GetValueOrDefault(name));
                if (withEqual || before != after)
                    yield return new TrainingRunDifference { Kind = kind, Name = name, Reference = before, Value = after, Change = ChangeOf(before, after), ReferencePath = reference, RunPath = run };
            }
        }
    }

    private static double? ChangeOf(string? before, string? after) =>
        double.TryParse(before, NumberStyles.Float, CultureInfo.InvariantCulture, out double first) && double.TryParse(after, NumberStyles.Float, CultureInfo.InvariantCulture, out double second)
            ? second - first
            : null;

    private static Dictionary<string, string> ScoresOf(RunRecord record)
    {
        Dictionary<string, string> scores = new() { ["epochs_done"] = record.EpochsDone.ToString(CultureInfo.InvariantCulture) };
        if (record.BestEpoch is { } epoch)
            scores["best_epoch"] = epoch.ToString(CultureInfo.InvariantCulture);
        if (record.BestScore is { } best)
            scores[$"best_{record.BestMetric}"] = best.ToString("R", CultureInfo.InvariantCulture);
        foreach ((string name, double score) in record.TestScores ?? new Dictionary<string, double>())
            scores[$"test_{name}"] = score.ToString("R", CultureInfo.InvariantCulture);
        return scores;
    }

    private static IReadOnlyDictionary<string, string> SettingsOf(string run)
    {
        string file = RunFolder.ConfigPathOf(run);
        RunFolder.ReadRecord(run);
        return File.Exists(file)
            ? RunSettings.All(File.ReadAllText(file)).Where(setting => setting is not { Key: "stages", Value: "null" }).ToDictionary()
            : throw new RunException(Runs.ExitCode.Configuration, "ConfigurationNotFound", Words.Strings.Format("RunWithoutConfiguration", run), run);
    }
}
