using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ClassLabels.Losses;

/// <summary>The criteria that a configuration can name.</summary>
public static class CriterionCatalog
{
    private static readonly Dictionary<string, Factory> s_factories = new(StringComparer.Ordinal)
    {
        ["cross-entropy"] = (config, weights, device) => new CrossEntropy(config.LabelSmoothing, weights, config.IgnoreIndex, device),
        ["focal"] = (config, weights, device) => new Focal(config.Gamma, weights, config.IgnoreIndex, device),
        ["dice"] = (config, weights, device) => new Dice(weights, config.IgnoreIndex, device),
        ["focal-dice"] = (config, weights, device) => new FocalDice(config.Gamma, weights, config.IgnoreIndex, device),
    };

    private delegate Criterion Factory(CriterionConfig config, IReadOnlyList<double>? weights, Device device);

    /// <summary>The names that <c>criterion.name</c> can have.</summary>
    public static IReadOnlyCollection<string> Names => s_factories.Keys;

    /// <summary>Whether the criterion weighs classes by their share of the training labels, which must be counted first.</summary>
    public static bool NeedsClassDistribution(CriterionConfig config) => config.Weighting == "data";

    /// <summary>Makes the criterion.</summary>
    /// <param name="config">What the configuration says of it.</param>
    /// <param name="device">Where the logits will be.</param>
    /// <param name="distribution">The training labels' distribution, where <see cref="NeedsClassDistribution"/>; else not looked at.</param>
    /// <exception cref="RunException">The criterion can't be made (<c>CriterionUnknown</c>, <c>CriterionClassMissing</c>).</exception>
    public static Criterion Create(CriterionConfig config, Device device, ClassDistribution? distribution = null)
    {
        if (!s_factories.TryGetValue(config.Name, out Factory? create))
            throw new RunException(ExitCode.Configuration, "CriterionUnknown", $"criterion.name is '{config.Name}', but must be one of {string.Join(", ", Names)}.", config.Name);
        IReadOnlyList<double>? weights = config.Weighting switch
        {
            "given" => config.ClassWeights,
            "data" => (distribution ?? throw new ArgumentNullException(nameof(distribution), "criterion.weighting: data needs the class distribution.")).InverseWeights(),
            _ => null,
        };

        return create(config, weights, device);
    }
}

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
    private ClassDistribution Count(IBatchLoader training) => training.Dataset is IClassCountingDataset labelled
        ? new ClassDistribution(labelled.CountClasses())
        : ClassDistribution.Count(training, labelField, config.Model.Classes, config.Criterion.IgnoreIndex);

    private sealed class LabelLoss(Criterion criterion, string labelField) : ITrainingLoss
    {
        public Tensor Compute(Tensor output, BatchTensors batch) => criterion.Compute(output, batch[labelField]);

        public void Dispose() => criterion.Dispose();
    }
}
