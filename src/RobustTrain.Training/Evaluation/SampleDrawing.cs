using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training.Evaluation;

/// <summary>Draws what a network makes of samples.</summary>
/// <param name="config">How samples are loaded.</param>
/// <param name="task">What they are.</param>
/// <param name="device">Where the network is.</param>
/// <param name="journal">Is told of samples that can't be loaded.</param>
internal sealed class SampleDrawing(TrainingConfig config, ITrainingTask task, Device device, IRunJournal journal)
{
    /// <summary>Draws samples.</summary>
    /// <param name="model">The network, in evaluation mode.</param>
    /// <param name="dataset">The samples.</param>
    /// <param name="indices">Which of them.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <returns>The place of each in <paramref name="indices"/>, in their order, with its pictures.</returns>
    public IEnumerable<(int Place, IReadOnlyList<SamplePicture> Pictures)> Of(nn.Module model, IDataset dataset, IReadOnlyList<int> indices, CancellationToken stopping)
    {
        SubsetDataset subset = new(dataset, indices);
        using EvaluationLoaders loaders = new(config.Loader with { NumWorkers = 0, WorkerKind = WorkerKind.Thread }, journal, quarantinePath: null, quarantine: null);
        using EpochStream stream = loaders.For("pictures", subset).Open(epoch: 0, stopping: stopping);
        while (stream.MoveNext())
        {
            using IBatch batch = stream.Current;
            foreach ((IReadOnlyList<SamplePicture> pictures, int place) in Draw(model, batch).Zip(batch.SampleIndices))
                yield return (place, pictures);
            StepMemory.Collect();
        }
    }

    private IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(nn.Module model, IBatch batch)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using BatchTensors tensors = BatchTensors.From(batch, task.Fields, device);
        return task.Draw(task.Forward(model, tensors), tensors);
    }
}
