using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ChangeDetection;
using RobustTrain.Training.Tasks.ChangeDetection.Losses;
using RobustTrain.Training.Tasks.ChangeDetection.Metrics;
using RobustTrain.Training.Tasks.ChangeDetection.Models;

namespace RobustTrain.Training;

/// <summary>The tasks that a configuration can ask for. There is one so far, so that no key names it.</summary>
public static class TaskCatalog
{
    /// <summary>What <c>model.name</c> can be.</summary>
    internal static IEnumerable<string> ModelNames => ModelCatalog.Names;

    /// <summary>What <c>data.dataset</c> can be.</summary>
    internal static IEnumerable<string> DatasetNames => DatasetCatalog.Names;

    /// <summary>What <c>criterion.name</c> can be.</summary>
    internal static IEnumerable<string> CriterionNames => CriterionCatalog.Names;

    /// <summary>The scores that the configuration can name.</summary>
    internal static IEnumerable<string> ScoreNames => SegmentationScores.Names;

    /// <summary>Opens a split of the configuration's data as training sees it: the training split with its augmentation.</summary>
    /// <exception cref="DatasetException">The folder is not the dataset that the configuration says.</exception>
    /// <exception cref="RunException">A key doesn't fit the dataset.</exception>
    public static IDataset OpenDataset(TrainingConfig config, DatasetSplit split) =>
        Of(config).Open(split, split == DatasetSplit.Train ? SampleView.Augmented : SampleView.Plain);

    /// <summary>The configuration's task.</summary>
    internal static ITrainingTask Of(TrainingConfig config) => new ChangeDetectionTask(config);
}
