using RobustTrain.Data;
using RobustTrain.Training.Prefetching;
using RobustTrain.Training.Steps;
using static TorchSharp.torch;

namespace RobustTrain.Training.Providers;

/// <summary>TorchSharp has no CUDA streams, so nothing can be copied beside a step.</summary>
internal sealed class CudaCopyLane : ICopyLane
{
    public CudaCopyLane(Device device, bool channelsLast) =>
        throw new NotSupportedException($"TorchSharp has no CUDA streams to copy on beside a step on {device} (channels last: {channelsLast}).");

    /// <summary>Whether the provider has streams.</summary>
    public static bool IsAvailable => false;

    /// <inheritdoc/>
    public BatchTensors Begin(IBatch batch) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Await() => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Dispose()
    {
        // There is never anything to give back.
    }
}
