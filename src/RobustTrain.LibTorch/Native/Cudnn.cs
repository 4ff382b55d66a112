using RobustTrain.Native.Interop;

namespace RobustTrain.Native;

/// <summary>How cuDNN chooses its algorithms. Without CUDA the settings have no effect.</summary>
public static class Cudnn
{
    /// <summary>Measure the algorithms once for each shape and take the fastest.</summary>
    public static bool Benchmark
    {
        get => NativeMethods.rt_cudnn_benchmark() != 0;
        set => NativeMethods.rt_set_cudnn_benchmark(value ? 1 : 0);
    }

    /// <summary>Take only algorithms that give the same bits in every run.</summary>
    public static bool Deterministic
    {
        get => NativeMethods.rt_cudnn_deterministic() != 0;
        set => NativeMethods.rt_set_cudnn_deterministic(value ? 1 : 0);
    }
}
