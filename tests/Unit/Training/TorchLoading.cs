using System.Runtime.CompilerServices;
using RobustTrain.Training.Native;

namespace RobustTrain.Tests.Training;

/// <summary>Loads libtorch as the programs do, before a test touches torch.</summary>
internal static class TorchLoading
{
#pragma warning disable CA2255 // A test assembly has no other beginning.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Load()
    {
        LibTorch.Load();

        // Runs that tests start need not be told; the limit is the one that this process has.
        if (LibTorch.Warning is not null)
            Environment.SetEnvironmentVariable("ONEDNN_MAX_CPU_ISA", "SSE41");
    }
}
