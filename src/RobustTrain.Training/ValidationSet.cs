using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs.Configuration;

namespace RobustTrain.Training;

/// <summary>A named part of the validation split, with scores of its own.</summary>
/// <param name="Name">The name that the configuration gives it.</param>
/// <param name="Samples">The names of its samples.</param>
public sealed record ValidationSet(string Name, IReadOnlySet<string> Samples)
{
    /// <summary>The sets that a configuration makes of its validation split; none where it makes none.</summary>
    /// <exception cref="DatasetException">A list file is missing or names a pair that is not there.</exception>
    internal static IReadOnlyList<ValidationSet> Of(TrainingConfig config, IDataset validation) =>
        [.. (config.Data.ValidationSets ?? new Dictionary<string, IReadOnlyList<string>>()).Select(set => new ValidationSet(set.Key, NamesIn(validation, set.Value)))];

    private static HashSet<string> NamesIn(IDataset validation, IReadOnlyList<string> parts)
    {
        switch (validation)
        {
            case AirChangeDataset scenes:
                HashSet<string> wanted = new(parts.Select(part => part.Replace('\\', '/')), StringComparer.OrdinalIgnoreCase);
                return [.. Enumerable.Range(0, scenes.Count).Where(index => wanted.Contains(scenes.SceneOf(index))).Select(scenes.NameOf)];
            case ChangePairsDataset pairs:
                using (ChangePairsDataset part = new(pairs.Options with { ValLists = parts }))
                    return [.. Enumerable.Range(0, part.Count).Select(part.NameOf)];
            default:
                throw new ArgumentException($"A {validation.GetType().Name} has no validation sets.", nameof(validation));
        }
    }
}
