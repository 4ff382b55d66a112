using RobustTrain.Runs;

namespace RobustTrain.Training.Native;

/// <summary>How libtorch runs TorchScript.</summary>
internal static unsafe class ScriptExecution
{
    /// <summary>
    /// Has every step computed alike. Otherwise libtorch watches the first runs of a network and computes the later ones in another way, so
    /// that a training which is resumed would round otherwise than one that never stopped.
    /// </summary>
    /// <exception cref="RunException">This libtorch has no such switch.</exception>
    public static void MakeRepeatable()
    {
        // torch::jit::setGraphExecutorOptimize(bool)
        nint function = LibTorch.Function("_ZN5torch3jit24setGraphExecutorOptimizeEb", "?setGraphExecutorOptimize@jit@torch@@YAX_N@Z", () => new RunException(
            ExitCode.Configuration, "LibTorchNotUsable", "This libtorch can't run TorchScript the same way each time (it has no setGraphExecutorOptimize), so that model.path can't be used with it."));
        ((delegate* unmanaged<byte, void>)function)(0);
    }
}
