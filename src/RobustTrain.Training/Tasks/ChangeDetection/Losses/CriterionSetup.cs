using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ChangeDetection.Losses;

/// <summary>Makes the criterion. Where it weighs classes by their share of the training labels, these are counted once a run.</summary>
/// <param name="config">The criterion and the classes.</param>
/// <param name="labelField">The field of the labels.</param>
internal sealed class CriterionSetup(TrainingConfig config, string labelField) : ILossSetup
{
    private const string StateKey = "class_distribution";

    private ClassDistribution? _distribution;

    /// <inheritdoc/>
    public ITrainingLoss Create(IBatchLoader training, Device device)
    {
        if (CriterionCatalog.NeedsClassDistribution(config.Criterion))
            _distribution ??= Count(training);
        return new LabelLoss(CriterionCatalog.Create(config.Criterion, device, _distribution), labelField);
    }

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        if (_distribution is not null)
            draft.Set(StateKey, _distribution);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive) => _distribution = archive.Find<ClassDistribution>(StateKey);

    // Where the dataset can, without decoding anything else; otherwise the labels of the first epoch.
    private ClassDistribution Count(IBatchLoader training) => training.Dataset is IChangeDataset labelled
        ? new ClassDistribution(labelled.CountClasses())
        : ClassDistribution.Count(training, labelField, config.Model.Classes, config.Criterion.IgnoreIndex);

    private sealed class LabelLoss(Criterion criterion, string labelField) : ITrainingLoss
    {
        public Tensor Compute(Tensor output, BatchTensors batch) => criterion.Compute(output, batch[labelField]);

        public void Dispose() => criterion.Dispose();
    }
}
