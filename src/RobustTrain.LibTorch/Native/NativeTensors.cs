using System.Runtime.InteropServices;
using RobustTrain.Native.Interop;
using static TorchSharp.torch;

namespace RobustTrain.Native;

/// <summary>Memory between tensors and the rest of the process.</summary>
public static unsafe class NativeTensors
{
    /// <summary>A tensor over memory of the caller, on the CPU, not copied.</summary>
    /// <param name="memory">The first element. It must stay where it is until <paramref name="release"/> is called.</param>
    /// <param name="shape">In elements, row-major and dense.</param>
    /// <param name="type">What the elements are.</param>
    /// <param name="release">Called once, on any thread, when no tensor (no view, no graph) uses the memory any more.</param>
    /// <exception cref="TorchException">libtorch refused the shape or the type; <paramref name="release"/> is not called.</exception>
    public static Tensor Wrap(nint memory, ReadOnlySpan<long> shape, ScalarType type, Action? release = null)
    {
        GCHandle context = release is null ? default : GCHandle.Alloc(release);
        nint handle;
        int result;
        fixed (long* sizes = shape)
        {
            result = NativeMethods.rt_tensor_wrap(memory, sizes, shape.Length, (int)type, release is null ? null : &Release, release is null ? 0 : GCHandle.ToIntPtr(context), out handle);
        }
        if (result < 0)
        {
            if (context.IsAllocated) context.Free();
            NativeMethods.Throw();
        }
        return new Tensor(handle);
    }

    /// <summary>The address of the first element of a tensor; valid while the tensor is.</summary>
    public static nint DataPointer(Tensor tensor) => tensor.Data;

    /// <summary>Whether two objects mean the same tensor: not equal values, but one storage and one gradient.</summary>
    public static bool AreSame(Tensor left, Tensor right)
    {
        bool same = NativeMethods.rt_tensor_is_same(left.Handle, right.Handle) != 0;
        GC.KeepAlive(left);
        GC.KeepAlive(right);
        return same;
    }

    [UnmanagedCallersOnly]
    private static void Release(nint context)
    {
        GCHandle handle = GCHandle.FromIntPtr(context);
        var release = (Action)handle.Target!;
        handle.Free();
        release();
    }
}
