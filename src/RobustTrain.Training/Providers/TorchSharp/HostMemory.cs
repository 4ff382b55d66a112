using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training.Providers;

/// <summary>Tensors from memory of the host, with what TorchSharp's packages can: a copy.</summary>
internal static class HostMemory
{
    /// <summary>A tensor on the CPU with the elements at <paramref name="address"/>.</summary>
    public static unsafe Tensor Tensor(nint address, ScalarType type, long[] shape)
    {
        Tensor tensor = empty(shape, type);
        tensor.bytes = new Span<byte>((void*)address, checked((int)(tensor.numel() * tensor.element_size())));
        return tensor;
    }
}
