using RobustTrain.Data;
using RobustTrain.Runs.Configuration;
using RobustTrain.Training.Metrics;
using RobustTrain.Training.Models;
using RobustTrain.Training.Native;
using RobustTrain.Training.Steps;
using static TorchSharp.torch;

namespace RobustTrain.Training.Evaluation;

/// <summary>Computes what a network predicts for a batch, and counts it.</summary>
/// <param name="config">The classes.</param>
/// <param name="device">Where the network is.</param>
/// <param name="model">The network, in evaluation mode; several threads may use it at once.</param>
/// <param name="dataset">The samples' names.</param>
internal sealed class BatchScores(TrainingConfig config, Device device, ChangeDetectionModel model, IDataset dataset)
{
    /// <summary>Counts a batch, on the thread that calls.</summary>
    /// <exception cref="Runs.RunException">A label is no class.</exception>
    public IReadOnlyList<DatapointConfusion> Of(IBatch batch)
    {
        IReadOnlyList<DatapointConfusion> counted = Count(batch);
        StepMemory.Collect();
        return counted;
    }

    private IReadOnlyList<DatapointConfusion> Count(IBatch batch)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using BatchTensors tensors = BatchTensors.From(batch, device);
        SegmentationMetric metric = new(config.Model.Classes, config.Criterion.IgnoreIndex);
        metric.Add(model.call(tensors.Image1, tensors.Image2), tensors.Label, [.. batch.SampleIndices.Select(dataset.NameOf)]);
        return metric.Datapoints;
    }
}
