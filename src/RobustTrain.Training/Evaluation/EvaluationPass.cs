using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Runs.Configuration;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Loaders;
using RobustTrain.Training.Metrics;
using RobustTrain.Training.Models;
using static TorchSharp.torch;

namespace RobustTrain.Training.Evaluation;

/// <summary>Runs a network over a data set, without learning, and scores it.</summary>
/// <param name="config">The loader's batch size and the classes.</param>
/// <param name="device">Where the network is.</param>
/// <param name="loaders">Open and keep the loaders of the splits.</param>
/// <param name="journal">Is told now and then how far the pass is.</param>
/// <param name="time">The clock.</param>
internal sealed class EvaluationPass(TrainingConfig config, Device device, EvaluationLoaders loaders, IRunJournal journal, TimeProvider time)
{
    // The loader keeps no more batches apart than its queue is long.
    private readonly int _workers = Math.Min(config.Trainer.EvaluationWorkers ?? 1, config.Loader.PrefetchQueueLength);

    /// <summary>Scores <paramref name="model"/>, which is in training mode again afterwards where it was before.</summary>
    /// <param name="model">The network.</param>
    /// <param name="epoch">The training's epoch, from 0: a sample that can't be loaded is left out of the passes of later epochs.</param>
    /// <param name="split">The split's name for people and events.</param>
    /// <param name="dataset">The samples.</param>
    /// <param name="stopping">Ends the pass with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="RunException">A label is no class, or memory is short.</exception>
    /// <exception cref="SampleException">A sample can't be loaded.</exception>
    public EvaluationResult Run(ChangeDetectionModel model, int epoch, string split, IDataset dataset, CancellationToken stopping)
    {
        bool wasTraining = model.training;
        model.eval();
        try
        {
            SegmentationMetric metric = new(config.Model.Classes, config.Criterion.IgnoreIndex);
            var progress = new Throttle(TimeSpan.FromSeconds(config.Trainer.LogIntervalSeconds), time);
            BatchScores scores = new(config, device, model, dataset);
            using EpochStream stream = loaders.For(split, dataset).Open(epoch, stopping: stopping);
            using ParallelScoring scoring = new(scores.Of, _workers, config.Threads ?? Environment.ProcessorCount);
            IEnumerable<IReadOnlyList<DatapointConfusion>> counted = _workers == 1 ? OneByOne(stream, scores) : scoring.Of(Batches(stream));
            foreach (IReadOnlyList<DatapointConfusion> batch in counted)
            {
                foreach (DatapointConfusion datapoint in batch)
                    metric.Add(datapoint);
                if (progress.IsDue())
                    journal.Write(new EvaluationProgress(split, metric.Datapoints.Count, dataset.Count) { Workers = _workers });
                stopping.ThrowIfCancellationRequested();
            }

            journal.Write(new LoaderEpoch(epoch, split, LoaderJournal.FiguresOf(stream, loaders.WorkerKind)));
            return new EvaluationResult(split, metric.Aggregated, metric.Datapoints);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            throw TorchFailure.OutOfMemory(
                config.Loader.EvalBatchSize == 1
                    ? $"even one sample at once in the {split} pass; make model.base_channels smaller"
                    : $"the {split} pass with batches of {config.Loader.EvalBatchSize}; make loader.eval_batch_size smaller",
                failed);
        }
        finally
        {
            model.train(wasTraining);
        }
    }

    private static IEnumerable<IReadOnlyList<DatapointConfusion>> OneByOne(EpochStream stream, BatchScores scores)
    {
        foreach (IBatch batch in Batches(stream))
        {
            using (batch)
                yield return scores.Of(batch);
        }
    }

    private static IEnumerable<IBatch> Batches(EpochStream stream)
    {
        while (stream.MoveNext())
            yield return stream.Current;
    }
}
