using System.ComponentModel.DataAnnotations;
using System.Globalization;
using RobustTrain.Configuration;
using RobustTrain.Platform;

namespace RobustTrain.Training.Configuration;

/// <summary>A part of a training with settings of its own.</summary>
/// <param name="Name">What the configuration calls it, as epoch-4; empty for the first one, and for a training that has no stages.</param>
/// <param name="Begin">The epochs that are done when it begins, or, where the training counts steps, the steps.</param>
/// <param name="Config">All that holds in it. Its epochs or steps are those that are done when it ends; it has no stages itself.</param>
/// <param name="Settings">What it changes, as <c>key=value</c>.</param>
internal sealed record TrainingStage(string Name, int Begin, TrainingConfig Config, IReadOnlyList<string> Settings);

/// <summary>What the key <c>stages</c> means: when each stage begins, and what holds in it.</summary>
internal static class TrainingStages
{
    private const string Key = "stages";
    private const string EpochPrefix = "epoch-";
    private const string StepPrefix = "step-";

    private static readonly ConfigurationSettingsAttribute s_allowed = ConfigurationSchema<TrainingConfig>.Find(Key)!.Settings!;

    /// <summary>The stages in their order, the first one included; of a training without stages that alone.</summary>
    /// <exception cref="ConfigurationException">A setting is wrong.</exception>
    public static IReadOnlyList<TrainingStage> Of(TrainingConfig config)
    {
        TrainingConfig whole = config with { Stages = null };
        if (config.Stages is not { Count: > 0 } named)
            return [new TrainingStage("", 0, whole, [])];
        (string Name, int Begin, IReadOnlyList<string> Settings)[] later = [.. named.Select(stage => (stage.Key, NumberOf(stage.Key), stage.Value)).OrderBy(stage => stage.Item2)];
        List<TrainingStage> stages = [new TrainingStage("", 0, Ending(whole, later[0].Begin), [])];
        for (int stage = 0; stage < later.Length; stage++)
        {
            whole = ConfigurationReader.With(whole, later[stage].Settings);
            TrainingConfig part = stage + 1 < later.Length ? Ending(whole, later[stage + 1].Begin) : whole;
            stages.Add(new TrainingStage(later[stage].Name, later[stage].Begin, part, later[stage].Settings));
        }

        return stages;
    }

    /// <summary>What holds at the end of the training, as a configuration without stages.</summary>
    /// <exception cref="ConfigurationException">A setting is wrong.</exception>
    public static TrainingConfig Last(TrainingConfig config) => Of(config)[^1].Config;

    /// <summary>What is wrong with the stages.</summary>
    public static IEnumerable<ValidationResult> Check(TrainingConfig config)
    {
        if (config.Stages is not { } named)
            yield break;
        if (named.Count == 0)
            yield return Wrong($"'{Key}' has no stages; null makes none.");
        (string prefix, string other, int end, string endKey) = config.Trainer.TotalIter is int steps
            ? (StepPrefix, EpochPrefix, steps, "trainer.total_iter")
            : (EpochPrefix, StepPrefix, config.Trainer.Epochs, "trainer.epochs");
        bool isSound = named.Count > 0;
        bool hasToldKeys = false;
        foreach ((string name, IReadOnlyList<string> settings) in named)
        {
            ValidationResult[] found = [.. Check(name, settings, prefix, end, endKey)];
            isSound &= found.Length == 0;
            foreach (ValidationResult wrong in found)
                yield return wrong;
        }

        if (config.Selection.Patience is not null)
            yield return new ValidationResult("'selection.patience' is given, but a training with 'stages' goes through all of them; set it to null.", ["selection.patience"]);
        if (!isSound)
            yield break;
        IReadOnlyList<TrainingStage> all = Of(config);
        if (all.Max(stage => stage.Config.Data.Cache.MemoryShare) > 0 && all.Skip(1).Any(stage => stage.Settings.Any(setting => setting.StartsWith("data.", StringComparison.Ordinal))))
            yield return Wrong($"'{Key}' change data, but 'data.cache.memory_share' is above 0, which each of their datasets would take for itself; 'data.cache.path' keeps images for all of them.");
        foreach (TrainingStage stage in all.Skip(1))
        {
            foreach (ValidationResult conflict in TrainingConfigRules.Check(stage.Config))
                yield return Wrong($"in '{Key}.{stage.Name}': {conflict.ErrorMessage}");
        }

        IEnumerable<ValidationResult> Check(string name, IReadOnlyList<string> settings, string prefix, int end, string endKey)
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal))
                yield return Wrong($"'{Key}' has the name '{name}', but the training counts {(prefix == StepPrefix ? "steps" : "epochs")} ({endKey}), so that its stages are called {prefix}N{(other == StepPrefix ? ", or 'trainer.total_iter' is given" : "")}.");
            else if (NumberOf(name) >= end)
                yield return Wrong(string.Create(CultureInfo.InvariantCulture, $"'{Key}.{name}' begins after {name[prefix.Length..]} {prefix.TrimEnd('-')}s, but the training ends after {end} ('{endKey}'); train for more, or take the stage away by {Key}.{name}=null."));
            if (settings.Count == 0)
                yield return Wrong($"'{Key}.{name}' changes nothing; it must have the keys that change when it begins.");
            string[] wrong = [.. settings.Select(setting => setting[..setting.IndexOf('=', StringComparison.Ordinal)]).Where(key => !s_allowed.Allows(key)).Select(key => $"'{key}'")];
            if (wrong.Length == 0)
                yield break;

            // Once for all stages.
            string may = hasToldKeys ? "" : $"; a stage may change {string.Join(", ", s_allowed.Keys.Select(key => key.EndsWith('.') ? key + "*" : key))}, but not {string.Join(", ", s_allowed.Except)}";
            hasToldKeys = true;
            yield return Wrong($"'{Key}.{name}' changes {string.Join(", ", wrong)}, which {(wrong.Length == 1 ? "holds" : "hold")} for the whole training{may}.");
        }
    }

    // Above the greatest number of epochs or steps where the digits say more than fits.
    private static int NumberOf(string name) =>
        int.TryParse(name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;

    private static TrainingConfig Ending(TrainingConfig config, int end) => config with
    {
        Trainer = config.Trainer.TotalIter is null ? config.Trainer with { Epochs = end } : config.Trainer with { TotalIter = end },
    };

    private static ValidationResult Wrong(string message) => TrainingConfigRules.Conflict(Key, message);
}
