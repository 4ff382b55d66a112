using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Configuration;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Metrics;
using RobustTrain.Training.Models;
using RobustTrain.Training.Steps;
using static TorchSharp.torch;

namespace RobustTrain.Training.Evaluation;

/// <summary>Runs a network over a data set, without learning, and scores it.</summary>
/// <param name="config">The loader's batch size and the classes.</param>
/// <param name="device">Where the network is.</param>
/// <param name="journal">Is told now and then how far the pass is.</param>
/// <param name="time">The clock.</param>
internal sealed class EvaluationPass(TrainingConfig config, Device device, IRunJournal journal, TimeProvider time)
{
    /// <summary>Scores <paramref name="model"/>, which is in training mode again afterwards where it was before.</summary>
    /// <param name="model">The network.</param>
    /// <param name="split">The split's name for people and events.</param>
    /// <param name="dataset">The samples.</param>
    /// <param name="stopping">Ends the pass with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="RunException">A label is no class, or memory is short.</exception>
    /// <exception cref="SampleException">A sample can't be loaded.</exception>
    public EvaluationResult Run(ChangeDetectionModel model, string split, IDataset dataset, CancellationToken stopping)
    {
        bool wasTraining = model.training;
        model.eval();
        try
        {
            using var noGrad = no_grad();
            SegmentationMetric metric = new(config.Model.Classes, config.Criterion.IgnoreIndex);
            var progress = new Throttle(TimeSpan.FromSeconds(config.Trainer.LogIntervalSeconds), time);
            using IBatchLoader loader = OpenLoader(dataset);
            foreach (IBatch batch in loader.ReadEpoch(epoch: 0, stopping: stopping))
            {
                using (batch)
                    Score(model, batch, dataset, metric);
                if (progress.IsDue())
                    journal.Write(new EvaluationProgress(split, metric.Datapoints.Count, dataset.Count));
                stopping.ThrowIfCancellationRequested();
            }

            return new EvaluationResult(split, metric.Aggregated, metric.Datapoints);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            throw TorchFailure.OutOfMemory($"the {split} pass with batches of {config.Loader.EvalBatchSize}; make loader.eval_batch_size smaller", failed);
        }
        finally
        {
            model.train(wasTraining);
        }
    }

    private PrefetchLoader OpenLoader(IDataset dataset) => new(dataset, LoaderSettings.Of(config.Loader, config.Loader.EvalBatchSize));

    private void Score(ChangeDetectionModel model, IBatch batch, IDataset dataset, SegmentationMetric metric)
    {
        using var scope = NewDisposeScope();
        using BatchTensors tensors = BatchTensors.From(batch, device);
        metric.Add(model.call(tensors.Image1, tensors.Image2), tensors.Label, [.. batch.SampleIndices.Select(dataset.NameOf)]);
    }
}
