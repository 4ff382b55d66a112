using System.Runtime.InteropServices;
using RobustTrain.Native.Interop;

namespace RobustTrain.Native;

/// <summary>A queue of work on a CUDA device, from libtorch's pool.</summary>
public sealed class CudaStream : SafeHandle
{
    private CudaStream(nint handle) : base(0, true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    /// <param name="device">The device's index; -1 for the current one.</param>
    /// <param name="highPriority">Whether its work goes before that of other streams.</param>
    /// <exception cref="TorchException">native/ was built without CUDA, or there is no such device.</exception>
    public static CudaStream Create(int device = -1, bool highPriority = false)
    {
        _ = NativeMethods.Check(NativeMethods.rt_cuda_stream_new(device, highPriority ? 1 : 0, out nint made));
        return new CudaStream(made);
    }

    /// <summary>The stream on which this thread's operators run.</summary>
    /// <exception cref="TorchException">native/ was built without CUDA, or there is no such device.</exception>
    public static CudaStream Current(int device = -1)
    {
        _ = NativeMethods.Check(NativeMethods.rt_cuda_stream_current(device, out nint current));
        return new CudaStream(current);
    }

    /// <summary>Whether all the work given so far is done.</summary>
    public bool IsIdle => NativeMethods.Check(NativeMethods.rt_cuda_stream_query(handle)) != 0;

    /// <summary>The cudaStream_t.</summary>
    public nint NativeStream
    {
        get
        {
            _ = NativeMethods.Check(NativeMethods.rt_cuda_stream_id(handle, out nint native));
            return native;
        }
    }

    /// <summary>Runs this thread's operators on this stream until the returned guard is disposed, on the same thread.</summary>
    public IDisposable Use()
    {
        CudaStream before = Current();
        _ = NativeMethods.Check(NativeMethods.rt_cuda_stream_set_current(handle));
        return new Guard(before);
    }

    /// <summary>Waits until all the work given so far is done.</summary>
    public void Synchronize() => _ = NativeMethods.Check(NativeMethods.rt_cuda_stream_synchronize(handle));

    protected override bool ReleaseHandle()
    {
        NativeMethods.rt_cuda_stream_free(handle);
        return true;
    }

    private sealed class Guard(CudaStream before) : IDisposable
    {
        private CudaStream? _before = before;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _before, null) is not CudaStream stream) return;
            int result = NativeMethods.rt_cuda_stream_set_current(stream.handle);
            stream.Dispose();
            _ = NativeMethods.Check(result);
        }
    }
}
