using System.Runtime.ConstrainedExecution;

namespace RobustTrain.Native.Interop;

/// <summary>Owns one at::Tensor*. Its only job: to free it once, by <see cref="Dispose"/> or by the finalizer.</summary>
internal sealed class TensorHandle : CriticalFinalizerObject, IDisposable
{
    private static long s_live;
    private static long s_peak;
    private nint _value;

    private TensorHandle() => GC.SuppressFinalize(this);

    internal TensorHandle(nint value)
    {
        _value = value;
        long live = Interlocked.Increment(ref s_live);
        for (long peak = Volatile.Read(ref s_peak); live > peak; peak = Volatile.Read(ref s_peak))
        {
            if (Interlocked.CompareExchange(ref s_peak, live, peak) == peak) break;
        }
    }

    ~TensorHandle() => Free();

    /// <summary>Stands in a tensor object that gave its native tensor away.</summary>
    internal static readonly TensorHandle Empty = new();

    internal static long LiveCount => Interlocked.Read(ref s_live);
    internal static long PeakCount => Interlocked.Read(ref s_peak);

    internal nint Value => _value;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the ownership to the caller.</summary>
    internal nint Release()
    {
        GC.SuppressFinalize(this);
        nint value = Interlocked.Exchange(ref _value, 0);
        if (value != 0) Interlocked.Decrement(ref s_live);
        return value;
    }

    private void Free()
    {
        nint value = Interlocked.Exchange(ref _value, 0);
        if (value == 0) return;
        Interlocked.Decrement(ref s_live);
        NativeMethods.rt_tensor_free(value);
    }
}
