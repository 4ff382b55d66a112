using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training.Plugins;

/// <summary>A task with a plug-in's loss, dataset and scores.</summary>
/// <param name="inner">The task.</param>
/// <param name="config">Its configuration.</param>
/// <param name="loss">The loss; null for the task's own.</param>
/// <param name="dataset">The dataset; null for the task's own.</param>
/// <param name="scores">The scores beside the task's own.</param>
internal sealed class PluginTask(ITrainingTask inner, TrainingConfig config, PluginLoss? loss, PluginDataset? dataset, IReadOnlyList<PluginScore> scores) : DelegatingTask(inner)
{
    private readonly string _target = inner.Fields.First(field => field.Input is null).Name;

    /// <inheritdoc/>
    public override IReadOnlyList<ScoreDefinition> Scores => [.. base.Scores, .. scores.Select(score => score.Definition)];

    /// <inheritdoc/>
    public override DataSplits OpenSplits() => dataset is null
        ? base.OpenSplits()
        : new DataSplits(Open(DatasetSplit.Train, SampleView.Augmented), Open(DatasetSplit.Val, SampleView.Plain), Open(DatasetSplit.Test, SampleView.Plain)) { ValidationSets = ValidationSetsOf() };

    /// <inheritdoc/>
    public override IDataset Open(DatasetSplit split, SampleView view) => dataset is null ? base.Open(split, view) : dataset.Open(config, split, view);

    /// <inheritdoc/>
    public override IReadOnlyList<ValidationSet> ValidationSetsOf(IDataset validation) => dataset is null ? base.ValidationSetsOf(validation) : ValidationSetsOf();

    /// <inheritdoc/>
    public override ILossSetup CreateLossSetup() => loss is null ? base.CreateLossSetup() : new Setup(loss.Create(config.Criterion), _target);

    /// <inheritdoc/>
    public override IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names)
    {
        IReadOnlyList<SampleResult> own = base.Score(output, batch, names);
        double[][] values = [.. scores.Select(score => Values(score, output, batch[_target], names.Count))];
        return scores.Count == 0 ? own : [.. own.Select((sample, place) => new Result(sample, Defined(column => values[column][place])))];
    }

    /// <inheritdoc/>
    public override AggregatedScores Aggregate(IEnumerable<SampleResult> samples)
    {
        if (scores.Count == 0)
            return base.Aggregate(samples);
        Result[] results = [.. samples.Cast<Result>()];
        AggregatedScores own = base.Aggregate(results.Select(result => result.Inner));
        IEnumerable<KeyValuePair<string, double>> means = scores
            .Select(score => (score.Definition.Name, Values: results.Where(result => result.Own.ContainsKey(score.Definition.Name)).Select(result => result.Own[score.Definition.Name]).ToArray()))
            .Where(score => score.Values.Length > 0)
            .Select(score => KeyValuePair.Create(score.Name, score.Values.Average()));
        return own with { Named = new Dictionary<string, double>([.. own.Named, .. means]) };
    }

    private IReadOnlyList<ValidationSet> ValidationSetsOf() => config.Data.ValidationSets is null
        ? []
        : throw new RunException(ExitCode.Configuration, "ValidationSetsUnknown", $"data.validation_sets is given, but the dataset {dataset!.Name} of a plug-in has no parts that can be named.", "data.validation_sets");

    private static double[] Values(PluginScore score, Tensor output, Tensor target, int samples)
    {
        using DisposeScope scope = NewDisposeScope();
        double[] values = score.Compute(output, target).to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
        return values.Length == samples
            ? values
            : throw new RunException(ExitCode.Configuration, "PluginScoreUnfit", $"The score '{score.Definition.Name}' gives {values.Length} numbers for a batch of {samples} samples, but must give one for each.", score.Definition.Name);
    }

    private Dictionary<string, double> Defined(Func<int, double> valueOf) => scores
        .Select((score, column) => KeyValuePair.Create(score.Definition.Name, valueOf(column)))
        .Where(score => double.IsFinite(score.Value))
        .ToDictionary();

    private sealed record Result(SampleResult Inner, IReadOnlyDictionary<string, double> Own) : SampleResult(Inner.Name)
    {
        public override IReadOnlyDictionary<string, double> NamedScores { get; } = new Dictionary<string, double>([.. Inner.NamedScores, .. Own]);

        public override IReadOnlyList<long>? ConfusionCounts => Inner.ConfusionCounts;
    }

    private sealed class Setup(Func<Tensor, Tensor, Tensor> compute, string target) : ILossSetup
    {
        public ITrainingLoss Create(IBatchLoader training, Device device) => new Loss(compute, target);

        public void Save(CheckpointDraft draft)
        {
        }

        public void Load(CheckpointArchive archive)
        {
        }
    }

    private sealed class Loss(Func<Tensor, Tensor, Tensor> compute, string target) : ITrainingLoss
    {
        public Tensor Compute(Tensor output, BatchTensors batch) => compute(output, batch[target]);

        public void Dispose()
        {
        }
    }
}
