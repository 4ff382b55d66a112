using RobustTrain.Data;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loading;

/// <summary>Copies batches to a GPU beside the step of the batch before, through locked memory, on a stream of its own.</summary>
/// <param name="fields">The fields of a sample.</param>
/// <param name="device">Where the tensors are made.</param>
/// <param name="ordinal">The GPU's number, as torch counts them.</param>
internal sealed class DeviceCopier(IReadOnlyList<SampleField> fields, Device device, int ordinal) : IDeviceCopier
{
    private readonly CudaDriver.CopyStream _stream = new(ordinal);

    /// <inheritdoc/>
    public BatchTensors Begin(IBatch batch)
    {
        using BatchTensors host = BatchTensors.Over(batch, fields);
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

/// <summary>Copies batches to a device beside the work that is under way there.</summary>
internal interface IDeviceCopier : IDisposable
{
    /// <summary>Begins to copy a batch; its memory may be used again when this returns, its tensors when <see cref="Await"/> has.</summary>
    BatchTensors Begin(IBatch batch);

    /// <summary>Waits until everything that was begun is there.</summary>
    void Await();
}
