using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Runs;

namespace RobustTrain.Training.Configuration;

/// <summary>
/// Everything that a run is told. In YAML the keys are these properties' names in snake case; the descriptions,
/// ranges and allowed values on the properties are what <c>robusttrain config</c> documents and checks.
/// </summary>
public sealed record TrainingConfig : IRunConfiguration, IValidatableObject
{
    [Description("A name for people, shown by Get-TrainingRun.")]
    [FreeOnResume]
    public string Name { get; init; } = "run";

    [Description("The seed from which every other seed (weights, order, augmentation, dropout) is derived.")]
    [Range(0, long.MaxValue)]
    [ConfigurationAlias("manual_seed")]
    [ConfigurationAlias("init_seed")]
    public long Seed { get; init; }

    [Description("A seed for each epoch, from which its order, augmentation and dropout are derived in place of seed; null derives them all from seed. There must be one for each of trainer.epochs; more are not used.")]
    [Range(0, long.MaxValue)]
    [ConfigurationAlias("train_seeds")]
    public IReadOnlyList<long>? EpochSeeds { get; init; }

    [Description("Where the network runs: cpu, cuda, cuda:N, or auto (the first CUDA device, else the CPU).")]
    [RegularExpression("cpu|cuda(:[0-9]+)?|auto", ErrorMessage = "cpu, cuda, cuda:N with a number N, or auto")]
    public string Device { get; init; } = "cpu";

    [Description("CPU threads of one operator; null takes all cores. The bits of a result depend on it.")]
    [Range(1, 1024)]
    public int? Threads { get; init; }

    [Description("The network.")]
    public ModelConfig Model { get; init; } = new();

    [Description("The dataset, its splits and its augmentation.")]
    public DataConfig Data { get; init; } = new();

    [Description("How samples are loaded ahead of the training step.")]
    public LoaderOptions Loader { get; init; } = new();

    [Description("What is minimised.")]
    public CriterionConfig Criterion { get; init; } = new();

    [Description("How the weights follow the gradient.")]
    public OptimizerConfig Optimizer { get; init; } = new();

    [Description("How the learning rate changes over the steps.")]
    public ScheduleConfig Schedule { get; init; } = new();

    [Description("The training loop.")]
    public TrainerConfig Trainer { get; init; } = new();

    [Description("What is kept on disk to go on from.")]
    public CheckpointConfig Checkpoint { get; init; } = new();

    [Description("Which epoch is best, and when no better one is awaited any more.")]
    public SelectionConfig Selection { get; init; } = new();

    [Description("What is done where a loss or a gradient goes wrong, or memory is short.")]
    public NumericsConfig Numerics { get; init; } = new();

    int IRunConfiguration.Epochs => Trainer.Epochs;

    string IRunConfiguration.BestMetric => Trainer.BestMetric;

    /// <summary>What keys demand of each other, as far as the configuration alone can tell.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => TrainingConfigRules.Check(this);
}
