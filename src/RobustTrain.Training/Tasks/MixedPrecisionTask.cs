using RobustTrain.Training.Native;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks;

/// <summary>
/// A task whose network computes in 16 bits where that is enough (Micikevicius et al., 2018): its weights, the loss and the optimiser stay in 32.
/// </summary>
/// <param name="inner">The task.</param>
/// <param name="type">Float16 or BFloat16.</param>
internal sealed class MixedPrecisionTask(ITrainingTask inner, ScalarType type) : DelegatingTask(inner)
{
    /// <inheritdoc/>
    public override Tensor Forward(nn.Module model, BatchTensors batch)
    {
        using IDisposable autocast = Autocast.Begin(batch.All.First().device.type, type);
        return base.Forward(model, batch).to(ScalarType.Float32);
    }
}
