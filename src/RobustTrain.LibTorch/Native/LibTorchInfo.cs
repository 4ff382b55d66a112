using RobustTrain.Native.Interop;
using TorchSharp;

namespace RobustTrain.Native;

/// <summary>The libtorch of this process.</summary>
public static class LibTorchInfo
{
    /// <summary>E.g. "1.13.0".</summary>
    /// <exception cref="LibTorchNotFoundException">There is no libtorch.</exception>
    public static string Version => torch.__version__;

    /// <summary>Whether the C allocator keeps large blocks for the next step instead of giving them back to the kernel:
    /// true on glibc, unless the operator set MALLOC_* variables, which hold.</summary>
    public static bool AllocatorTuned => NativeMethods.rt_tune_allocator() != 0;

    /// <summary>Whether the native library was built with CUDA streams.</summary>
    public static bool HasCudaStreams => NativeMethods.rt_cuda_streams_built() != 0;

    /// <summary>Loads the library now, so that a missing libtorch is found before anything else is done.</summary>
    /// <exception cref="LibTorchNotFoundException">There is none, or it does not load.</exception>
    public static void EnsureLoaded() => _ = NativeMethods.rt_grad_enabled();
}
