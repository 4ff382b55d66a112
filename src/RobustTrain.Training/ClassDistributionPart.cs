using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Criteria;
using RobustTrain.Training.Steps;

namespace RobustTrain.Training;

/// <summary>The class distribution of the training labels, counted once a run: a resumed training weighs classes as before.</summary>
internal sealed class ClassDistributionPart : ICheckpointPart
{
    private const string StateKey = "class_distribution";

    /// <summary>The distribution; null where it is not known.</summary>
    public ClassDistribution? Value { get; private set; }

    /// <summary>Counts the training labels: where the data set can, without decoding anything else; otherwise those of the first epoch.</summary>
    public void CountWhereUnknown(TrainingPlan plan, IBatchLoader loader) => Value ??= loader.Dataset is IChangeDataset labelled
        ? new ClassDistribution(labelled.CountClasses())
        : ClassDistribution.Count(loader, BatchTensors.LabelField, plan.Config.Model.Classes, plan.Config.Criterion.IgnoreIndex);

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        if (Value is not null)
            draft.Set(StateKey, Value);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive) => Value = archive.Find<ClassDistribution>(StateKey);
}
