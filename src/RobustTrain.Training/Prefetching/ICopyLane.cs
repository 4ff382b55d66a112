using RobustTrain.Data;
using RobustTrain.Training.Steps;

namespace RobustTrain.Training.Prefetching;

/// <summary>Copies batches to a device beside the work that is under way there.</summary>
internal interface ICopyLane : IDisposable
{
    /// <summary>Begins to copy a batch; its memory may be used again when this returns, its tensors when <see cref="Await"/> has.</summary>
    BatchTensors Begin(IBatch batch);

    /// <summary>Waits until everything that was begun is there.</summary>
    void Await();
}
