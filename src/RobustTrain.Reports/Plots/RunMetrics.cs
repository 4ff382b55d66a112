using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Reports.Plots;

/// <summary>The curves that a run has, by their names.</summary>
public static class RunMetrics
{
    private static readonly (string Name, string Meaning, Func<StepLoss, double> Value)[] s_ofSteps =
    [
        ("loss", "the loss of each step", step => step.Loss),
        ("learning_rate", "the learning rate of each step", step => step.LearningRate),
    ];

    private static readonly (string Name, string Meaning, Func<EpochFinished, double> Value)[] s_ofEpochs =
    [
        ("train_loss", "the mean loss of each epoch", epoch => epoch.TrainLoss),
        ("samples_per_second", "training samples a second, by epoch", epoch => epoch.SamplesPerSecond),
        ("data_wait_percent", "the share of training time that waited for samples, by epoch", epoch => 100 * epoch.DataWaitShare),
        ("epoch_seconds", "how long each epoch took, validation included", epoch => epoch.DurationSeconds),
    ];

    private static readonly (string Name, string Meaning, Func<SystemSample, double> Value)[] s_ofSystems =
    [
        ("cpu_percent", "the host's utilisation beside steps", sample => sample.CpuPercent ?? double.NaN),
        ("gpu_percent", "the mean utilisation of the host's GPUs beside steps", sample => Mean(sample.Gpus.Select(gpu => gpu.UtilizationPercent))),
        ("gpu_watts", "the power of all GPUs of the host beside steps", sample => sample.Gpus.All(gpu => gpu.PowerWatts is null) ? double.NaN : sample.Gpus.Sum(gpu => gpu.PowerWatts ?? 0)),
    ];

    /// <summary>The names that a run's curves have, with what they mean.</summary>
    public static IReadOnlyList<(string Name, string Meaning)> Of(RunRecord record) =>
    [
        .. s_ofSteps.Select(metric => (metric.Name, metric.Meaning)),
        .. Scores(record).Select(name => (name, $"the validation's {name}, by epoch")),
        .. s_ofEpochs.Select(metric => (metric.Name, metric.Meaning)),
        .. s_ofSystems.Select(metric => (metric.Name, metric.Meaning)),
    ];

    /// <summary>What a metric's x is: step or epoch.</summary>
    public static string XNameOf(string metric) => s_ofSteps.Any(each => each.Name == metric) || s_ofSystems.Any(each => each.Name == metric) ? "step" : "epoch";

    /// <summary>A curve.</summary>
    /// <param name="story">The run.</param>
    /// <param name="metric">The curve's name.</param>
    /// <param name="name">What it is to be called.</param>
    /// <exception cref="RunException">The run has no curve of this name.</exception>
    public static PlotSeries Read(RunStory story, string metric, string name)
    {
        if (s_ofSteps.FirstOrDefault(each => each.Name == metric).Value is { } ofStep)
            return new PlotSeries(name, [.. story.Steps.Select(step => new PlotPoint(step.Step, ofStep(step)))]);
        if (s_ofEpochs.FirstOrDefault(each => each.Name == metric).Value is { } ofEpoch)
            return new PlotSeries(name, [.. story.Epochs.Select(epoch => new PlotPoint(epoch.Epoch, ofEpoch(epoch)))]);
        if (s_ofSystems.FirstOrDefault(each => each.Name == metric).Value is { } ofSystem)
            return new PlotSeries(name, [.. story.Systems.Select(sample => new PlotPoint(sample.GlobalStep, ofSystem(sample)))]);
        if (story.Epochs.Any(epoch => epoch.Scores?.ContainsKey(metric) == true) || Scores(story.Record).Contains(metric))
            return new PlotSeries(name, [.. story.Epochs.Where(epoch => epoch.Scores?.ContainsKey(metric) == true).Select(epoch => new PlotPoint(epoch.Epoch, epoch.Scores![metric]))]);
        string[] known = [.. Of(story.Record).Select(each => each.Name).Union(story.Epochs.SelectMany(epoch => epoch.Scores?.Keys ?? []))];
        string end = NearestName.Of(metric, known) is { } nearest ? $"; did you mean '{nearest}'?" : $"; it has {string.Join(", ", known)}.";
        throw new RunException(ExitCode.Configuration, "MetricNotFound", $"The run '{story.Path}' has no metric '{metric}'{end}", metric);
    }

    private static IEnumerable<string> Scores(RunRecord record) => record.ScoreNames ?? [record.BestMetric];

    private static double Mean(IEnumerable<double?> values) => values.OfType<double>().DefaultIfEmpty(double.NaN).Average();
}
