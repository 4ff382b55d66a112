using System.Globalization;
using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Native;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training;

/// <summary>
/// Looks for a learning rate: trains for some steps while the rate rises exponentially, and sees where the loss falls fastest and where it explodes
/// (Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3). It works in memory alone and leaves nothing on disk.
/// </summary>
public sealed class LearningRateFinder
{
    // As fastai smooths the loss, and takes it for exploded.
    private const double Smoothing = 0.98;
    private const double ExplosionFactor = 4;

    private readonly TrainingPlan _plan;
    private readonly LearningRateSearch _search;

    private LearningRateFinder(TrainingPlan plan, LearningRateSearch search) => (_plan, _search) = (plan, search);

    /// <summary>Checks that the training could begin. Creates nothing.</summary>
    /// <param name="config">The training. Its schedule, its epochs and its moving average of the weights have no part in the search.</param>
    /// <param name="search">How far, and in how many steps.</param>
    /// <exception cref="RunException">An option is out of range, or the configuration doesn't fit machine, data or network.</exception>
    /// <exception cref="DatasetException">A dataset can't be opened.</exception>
    public static LearningRateFinder Open(TrainingConfig config, LearningRateSearch search)
    {
        if (search.Steps is < 10 or > 1_000_000)
            throw Invalid("--steps", search.Steps, "from 10 to 1000000");
        if (!(search.From > 0))
            throw Invalid("--from", search.From, "above 0");
        if (!(search.To > search.From) || search.To > 1e6)
            throw Invalid("--to", search.To, string.Create(CultureInfo.InvariantCulture, $"above --from, which is {search.From}, and at most 1000000"));
        return new LearningRateFinder(
            TrainingPlan.Create(config with
            {
                EpochSeeds = null,
                Schedule = new ScheduleConfig { Name = "constant" },
                Trainer = config.Trainer with { EmaDecay = null },
                Numerics = config.Numerics with { OnFailure = "fail", SpikeFactor = null },
            }),
            search);

        static RunException Invalid(string option, double found, string expected) =>
            new(ExitCode.Configuration, "LearningRateSearchOutOfRange", string.Create(CultureInfo.InvariantCulture, $"{option} is {found}, but must be {expected}."), option);
    }

    /// <summary>Searches.</summary>
    /// <param name="journal">Is told how far it is, and of workers and samples that fail.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="RunException">Memory is short, or the very first step goes wrong.</exception>
    /// <exception cref="SampleException">A sample can't be loaded and may not be skipped.</exception>
    public LearningRatesMeasured Run(IRunJournal journal, CancellationToken stopping, TimeProvider time)
    {
        long began = time.GetTimestamp();
        if (_plan.Config.Trainer.SynchronizedBatchNorm)
            SynchronizedNorms.Check(_plan.Device, _plan.Config.Trainer.Shards, ranks: 1);
        set_num_threads(_plan.Threads);
        using Learner learner = Learner.Of(_plan.CreateModel(), _plan.Config);
        if (_plan.Config.Trainer.StartFrom is { } path)
            _plan.LoadStart(learner.Model, path);
        learner.Model.train();
        using PrefetchLoader loader = _plan.OpenTrainingLoader(journal);
        using Prefetcher prefetcher = Prefetcher.Create(_plan.Config.Loader, _plan.Device, _plan.Task.Fields);
        using ILossSetup setup = _plan.Task.CreateLossSetup();
        using ITrainingLoss loss = setup.Create(loader, _plan.Device);
        using TrainingStep step = new(
            _plan, learner, loss, new NumericGuard(_plan.Config.Numerics, journal), new MicroBatchSize(_plan.Config.Trainer.MicroBatch), new LossScale(_plan.Config.Trainer.Precision == "fp16"), journal, LearningRateSchedule.Exponential(_search.From, _search.To, _search.Steps));
        Throttle progress = new(TimeSpan.FromSeconds(_plan.Config.Trainer.LogIntervalSeconds), time);
        Curve curve = new();
        try
        {
            foreach (StepResult result in Steps(loader, prefetcher, step, stopping))
            {
                curve.Add(result);
                if (curve.HasExploded || curve.Points.Count == _search.Steps)
                    break;
                if (progress.IsDue())
                    journal.Write(new LearningRateProgress(curve.Points.Count, _search.Steps));
            }
        }
        catch (RunException exploded) when (exploded.ExitCode == ExitCode.Numeric && curve.Points.Count > 0)
        {
            // Infinite, or no number: it needs no further look.
            curve.HasExploded = true;
        }

        int? suggested = curve.Steepest();
        return new LearningRatesMeasured(curve.Points, suggested, curve.HasExploded, time.GetElapsedTime(began).TotalSeconds);
    }

    // Epoch after epoch, as a training's.
    private IEnumerable<StepResult> Steps(PrefetchLoader loader, Prefetcher prefetcher, TrainingStep step, CancellationToken stopping)
    {
        TrainingCursor cursor = TrainingCursor.Start;
        while (true)
        {
            bool mustRetry = false;
            using EpochStream stream = loader.Open(cursor.Epoch, cursor.Batch, former: null, stopping);
            using BatchFeed feed = prefetcher.Open(stream, stopping);
            while (!mustRetry && feed.Next() is { } next)
            {
                using TrainingBatch batch = next;
                stopping.ThrowIfCancellationRequested();
                if (step.EndsBefore(batch) && step.CompletePending() is { Verdict: StepVerdict.Complete } pending)
                {
                    cursor = After(cursor, pending);
                    yield return pending;
                }

                StepResult result = step.Take(batch, cursor);
                mustRetry = result.Verdict == StepVerdict.Retry;
                StepMemory.Collect();
                if (result.Verdict != StepVerdict.Complete)
                    continue;
                cursor = After(cursor, result);
                yield return result;
            }

            stopping.ThrowIfCancellationRequested();
            if (mustRetry)
                continue;
            if (step.CompletePending() is { Verdict: StepVerdict.Complete } last)
            {
                cursor = After(cursor, last);
                yield return last;
            }

            cursor = cursor with { Epoch = cursor.Epoch + 1, Batch = 0 };
        }
    }

    private static TrainingCursor After(TrainingCursor cursor, StepResult result) => cursor with { Batch = result.NextBatch, GlobalStep = cursor.GlobalStep + 1 };

    /// <summary>The losses as they come.</summary>
    private sealed class Curve
    {
        private readonly List<LearningRatePoint> _points = [];
        private double _average;
        private double _lowest = double.PositiveInfinity;

        public IReadOnlyList<LearningRatePoint> Points => _points;

        public bool HasExploded { get; set; }

        public void Add(StepResult result)
        {
            _average = (Smoothing * _average) + ((1 - Smoothing) * result.Loss);
            double smoothed = _average / (1 - Math.Pow(Smoothing, _points.Count + 1));
            _points.Add(new LearningRatePoint(_points.Count, result.LearningRate, result.Loss, smoothed));
            HasExploded = smoothed > ExplosionFactor * _lowest;
            _lowest = Math.Min(_lowest, smoothed);
        }

        // Where the smoothed loss falls fastest over the rate's logarithm, before its minimum; null where it never falls.
        public int? Steepest()
        {
            int lowest = _points.Count == 0 ? 0 : _points.Index().MinBy(point => point.Item.SmoothedLoss).Index;
            (int? steepest, double slope) = (null, 0.0);
            for (int at = 1; at < lowest; at++)
            {
                // The rates' logarithms are equally far from each other.
                double fall = _points[at + 1].SmoothedLoss - _points[at - 1].SmoothedLoss;
                if (fall < slope)
                    (steepest, slope) = (at, fall);
            }

            return steepest;
        }
    }
}

/// <summary>How a learning rate is looked for.</summary>
public sealed record LearningRateSearch
{
    /// <summary>The steps.</summary>
    public int Steps { get; init; } = 100;

    /// <summary>The learning rate of the first step.</summary>
    public double From { get; init; } = 1e-7;

    /// <summary>The learning rate of the last step.</summary>
    public double To { get; init; } = 10;
}
