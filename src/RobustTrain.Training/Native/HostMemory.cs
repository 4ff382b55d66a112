using static TorchSharp.torch;

namespace RobustTrain.Training.Native;

/// <summary>Tensors over memory of the host without a copy; TorchSharp makes them only over arrays that it pins.</summary>
internal static unsafe class HostMemory
{
    // THSTensor_new(data, deleter, sizes, count, type of the memory, type of the tensor, device type, device index, requires grad)
    private static readonly delegate* unmanaged<nint, nint, long*, int, sbyte, sbyte, int, int, byte, nint> s_new =
        (delegate* unmanaged<nint, nint, long*, int, sbyte, sbyte, int, int, byte, nint>)LibTorch.TorchSharpExport("THSTensor_new");

    private static readonly delegate* unmanaged<nint, nint> s_data = (delegate* unmanaged<nint, nint>)LibTorch.TorchSharpExport("THSTensor_data");

    /// <summary>A tensor on the CPU over the elements at <paramref name="address"/>; the memory must outlive it.</summary>
    public static Tensor Tensor(nint address, ScalarType type, ReadOnlySpan<long> shape)
    {
        nint handle;
        fixed (long* sizes = shape)
        {
            handle = s_new(address, 0, sizes, shape.Length, (sbyte)type, (sbyte)type, (int)TorchSharp.DeviceType.CPU, -1, 0);
        }

        if (handle == 0)
            TorchSharp.torch.CheckForErrors();
        return TorchSharp.torch.Tensor.UnsafeCreateTensor(handle);
    }

    /// <summary>The address of a dense tensor's first element, in the memory of its device; valid while the tensor is.</summary>
    public static nint AddressOf(Tensor tensor)
    {
        nint address = s_data(tensor.Handle);
        GC.KeepAlive(tensor);
        return address;
    }
}

/// <summary>Gives back what TorchSharp leaves to finalizers.</summary>
internal static class StepMemory
{
    /// <summary>
    /// Collects the youngest objects, to be called after a step or a scored batch. TorchSharp makes some hundred scalars a step, each with a
    /// few bytes of native memory that only its finalizer frees. Left until .NET collects by itself, they stand between the large blocks
    /// of many steps, and the process takes 2.0 GB where 0.8 are enough (docs/decisions/torchsharp.md).
    /// </summary>
    public static void Collect() => GC.Collect(0, GCCollectionMode.Forced, blocking: true);
}
