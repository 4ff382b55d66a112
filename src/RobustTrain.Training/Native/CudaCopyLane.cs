using RobustTrain.Data;
using RobustTrain.Training.Prefetching;
using RobustTrain.Training.Steps;
using static TorchSharp.torch;

namespace RobustTrain.Training.Native;

/// <summary>Copies batches to a GPU beside the step of the batch before, through locked memory, on a stream of its own.</summary>
/// <param name="device">Where the tensors are made.</param>
/// <param name="ordinal">The GPU's number, as torch counts them.</param>
internal sealed class CudaCopyLane(Device device, int ordinal) : ICopyLane
{
    private readonly CudaDriver.CopyStream _stream = new(ordinal);

    /// <inheritdoc/>
    public BatchTensors Begin(IBatch batch)
    {
        using BatchTensors host = BatchTensors.Over(batch);
        _stream.Begin((nuint)host.All.Sum(Size));
        return host.Placed(Copy);
    }

    /// <inheritdoc/>
    public void Await() => _stream.Synchronize();

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static long Size(Tensor tensor) => tensor.NumberOfElements * tensor.ElementSize;

    private Tensor Copy(Tensor host)
    {
        Tensor made = empty(host.shape, host.dtype, device);
        _stream.Copy(HostMemory.AddressOf(made), HostMemory.AddressOf(host), (nuint)Size(host));
        return made;
    }
}
