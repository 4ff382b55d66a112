using RobustTrain.Data;
using RobustTrain.Native;
using RobustTrain.Training.Prefetching;
using RobustTrain.Training.Steps;
using static TorchSharp.torch;

namespace RobustTrain.Training.Providers;

/// <summary>Copies batches to a GPU through pinned memory, on a stream of its own.</summary>
/// <remarks>
/// The tensors are made on the lane's stream and used on the step's. Their memory must not be given back while the step's kernels still
/// read it; the step waits for its loss before it disposes of them, and with that for every kernel that was queued before.
/// </remarks>
internal sealed class CudaCopyLane(Device device, bool channelsLast) : ICopyLane
{
    private readonly CudaStream _stream = CudaStream.Create(device.index);

    /// <summary>Whether the provider has streams.</summary>
    public static bool IsAvailable => LibTorchInfo.HasCudaStreams;

    /// <inheritdoc/>
    public BatchTensors Begin(IBatch batch)
    {
        using IDisposable lane = _stream.Use();
        return BatchTensors.From(batch, Copy);
    }

    /// <inheritdoc/>
    public void Await() => _stream.Synchronize();

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private Tensor Copy(Tensor host)
    {
        // Pinning copies, so the ring's slot is free at once; the pinned memory goes back to torch's cache when the copy has been made.
        using Tensor pinned = host.pin_memory();
        host.Dispose();
        Tensor copied = pinned.to(device, non_blocking: true);
        if (!channelsLast || copied.dim() != 4)
            return copied;
        using Tensor planes = copied;
        using Tensor turned = planes.permute(0, 2, 3, 1);
        using Tensor laid = turned.contiguous();
        return laid.permute(0, 3, 1, 2);
    }
}
