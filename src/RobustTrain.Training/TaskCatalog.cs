using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Plugins;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ChangeDetection;
using RobustTrain.Training.Tasks.Classification;
using RobustTrain.Training.Tasks.OwnNetworks;
using RobustTrain.Training.Tasks.Segmentation;
using RobustTrain.Training.Tasks.SuperResolution;
using static TorchSharp.torch;

namespace RobustTrain.Training;

/// <summary>The tasks that a configuration can ask for.</summary>
public static class TaskCatalog
{
    /// <summary>The tasks.</summary>
    internal static IReadOnlyList<TaskDefinition> Tasks { get; } = [ChangeDetectionTask.Definition, SegmentationTask.Definition, ClassificationTask.Definition, SuperResolutionTask.Definition];

    /// <summary>What <c>task</c> can be.</summary>
    public static IEnumerable<string> Names => Tasks.Select(task => task.Name);

    /// <summary>What <c>model.name</c> can be.</summary>
    internal static IEnumerable<string> ModelNames => Tasks.SelectMany(task => task.Models).Distinct();

    /// <summary>What <c>data.dataset</c> can be.</summary>
    internal static IEnumerable<string> DatasetNames => Tasks.SelectMany(task => task.Datasets).Distinct();

    /// <summary>What <c>criterion.name</c> can be.</summary>
    internal static IEnumerable<string> CriterionNames => Tasks.SelectMany(task => task.Criteria).Distinct();

    /// <summary>The scores that the configuration can name.</summary>
    internal static IEnumerable<string> ScoreNames => Tasks.SelectMany(task => task.Scores).Select(score => score.Name).Distinct();

    /// <summary>The names that a key can have in a configuration: those of its task, its plug-ins' with them.</summary>
    /// <param name="config">The configuration, which may still lack what must be given.</param>
    /// <param name="key">The dotted key.</param>
    /// <returns>None where the key takes no names.</returns>
    /// <exception cref="RunException">A plug-in can't be used, or none of them brings the task.</exception>
    public static IEnumerable<string> NamesOf(TrainingConfig config, string key) => key switch
    {
        "task" => PluginSet.Load(config.Plugins).Extend(Tasks).Select(task => task.Name),
        "model.name" => DefinitionOf(config).Models,
        "data.dataset" => DefinitionOf(config).Datasets,
        "criterion.name" => DefinitionOf(config).Criteria,
        "trainer.best_metric" or "selection.metrics" => DefinitionOf(config).Scores.Select(score => score.Name),
        _ => ConfigurationSchema<TrainingConfig>.Find(key)?.AllowedValues ?? [],
    };

    /// <summary>Opens a split of the configuration's data as training sees it: the training split with its augmentation.</summary>
    /// <exception cref="DatasetException">The folder is not the dataset that the configuration says.</exception>
    /// <exception cref="RunException">A key doesn't fit the dataset.</exception>
    public static IDataset OpenDataset(TrainingConfig config, DatasetSplit split) =>
        Of(config).Open(split, split == DatasetSplit.Train ? SampleView.Augmented : SampleView.Plain);

    /// <summary>The configuration's task.</summary>
    internal static ITrainingTask Of(TrainingConfig config)
    {
        ITrainingTask task = WithOwnParts(DefinitionOf(config).Create(config), config);
        return config.Trainer.Precision switch
        {
            "bf16" => new MixedPrecisionTask(task, ScalarType.BFloat16),
            "fp16" => new MixedPrecisionTask(task, ScalarType.Float16),
            _ => task,
        };
    }

    /// <summary>What is known of the configuration's network without building it; null where nothing is, as of the user's own.</summary>
    /// <exception cref="RunException">A plug-in can't be used, or none of them brings the task.</exception>
    internal static KnownNetwork? NetworkOf(TrainingConfig config) => config.Model.Path is null ? DefinitionOf(config).NetworkOf(config.Model) : null;

    /// <summary>The identity of the configuration's network.</summary>
    /// <exception cref="RunException">The network's file can't be read.</exception>
    internal static ModelIdentity IdentityOf(TrainingConfig config) =>
        NetworkOf(config) is { } network ? ModelIdentity.Of(network.Model, network.Keys) : ModelIdentity.Of(config.Model, []);

    /// <summary>What to say of keys of the section model that are given and that the network does not go by.</summary>
    internal static IEnumerable<RunWarning> UnusedModelKeys(TrainingConfig config)
    {
        if (NetworkOf(config) is not { } network)
            yield break;
        (string Name, KnownNetwork Network)[] all = [.. Tasks.SelectMany(task => task.Models, (task, name) => (name, Network: task.NetworkOf(config.Model with { Name = name }))).Where(known => known.Network is not null).Select(known => (known.name, known.Network!))];
        foreach (string key in all.SelectMany(known => known.Network.Keys).Distinct().Except(network.Keys))
        {
            ConfigurationKey found = ConfigurationSchema<TrainingConfig>.Find($"model.{key}")!;
            if (ConfigurationWriter.Quote(found.Get(config.Model)) == ConfigurationWriter.Quote(found.Default))
                continue;
            string users = string.Join(", ", all.Where(known => known.Network.Keys.Contains(key)).Select(known => known.Name));
            yield return new RunWarning($"model.{key} is given, but {config.Model.Name} does not go by it; these networks do: {users}.") { Kind = "model_key_unused" };
        }
    }

    /// <summary>What the catalogue knows of the configuration's task.</summary>
    /// <exception cref="RunException">A plug-in can't be used, or none of them brings the task.</exception>
    internal static TaskDefinition DefinitionOf(TrainingConfig config)
    {
        IReadOnlyList<TaskDefinition> known = PluginSet.Load(config.Plugins).Extend(Tasks);
        return known.FirstOrDefault(task => task.Name == config.Task)
            ?? throw new RunException(ExitCode.Configuration, "TaskUnknown", $"task is '{config.Task}', but must be one of {string.Join(", ", known.Select(task => task.Name))}.", "task");
    }

    private static ITrainingTask WithOwnParts(ITrainingTask task, TrainingConfig config) => PluginSet.Load(config.Plugins).Apply(
        config.Model.Path is { } path ? new OwnNetworkTask(task, config, ScriptedNetwork.Of(path, task.Fields.Count(field => field.Input is not null))) : task,
        config);
}
