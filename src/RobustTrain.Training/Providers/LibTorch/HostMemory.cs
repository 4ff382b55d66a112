using RobustTrain.Native;
using static TorchSharp.torch;

namespace RobustTrain.Training.Providers;

/// <summary>Tensors from memory of the host, with what our provider can: no copy.</summary>
internal static class HostMemory
{
    /// <summary>A tensor on the CPU over the elements at <paramref name="address"/>; the memory must outlive it.</summary>
    public static Tensor Tensor(nint address, ScalarType type, long[] shape) => NativeTensors.Wrap(address, shape, type);
}
