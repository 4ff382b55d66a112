using RobustTrain.Runs;

namespace RobustTrain.Training.Native;

/// <summary>
/// Lets torch, and cuDNN below it, use deterministic algorithms only. TorchSharp declares the setting and doesn't implement it, so the
/// functions of at::Context are called, by the names that libtorch's compiler gave them.
/// </summary>
internal sealed unsafe class DeterministicMode : IDisposable
{
    private static readonly nint s_context = ((delegate* unmanaged<nint>)Function("_ZN2at13globalContextEv", "?globalContext@at@@YAAEAVContext@1@XZ"))();

    private static readonly nint s_setAlgorithms = Function("_ZN2at7Context26setDeterministicAlgorithmsEbb", "?setDeterministicAlgorithms@Context@at@@QEAAX_N0@Z");
    private static readonly nint s_algorithms = Function("_ZNK2at7Context23deterministicAlgorithmsEv", "?deterministicAlgorithms@Context@at@@QEBA_NXZ");
    private static readonly nint s_warnsOnly = Function("_ZNK2at7Context31deterministicAlgorithmsWarnOnlyEv", "?deterministicAlgorithmsWarnOnly@Context@at@@QEBA_NXZ");
    private static readonly nint s_setCudnn = Function("_ZN2at7Context21setDeterministicCuDNNEb", "?setDeterministicCuDNN@Context@at@@QEAAX_N@Z");
    private static readonly nint s_cudnn = Function("_ZNK2at7Context18deterministicCuDNNEv", "?deterministicCuDNN@Context@at@@QEBA_NXZ");
    private static readonly nint s_setBenchmark = Function("_ZN2at7Context17setBenchmarkCuDNNEb", "?setBenchmarkCuDNN@Context@at@@QEAAX_N@Z");
    private static readonly nint s_benchmark = Function("_ZNK2at7Context14benchmarkCuDNNEv", "?benchmarkCuDNN@Context@at@@QEBA_NXZ");

    private readonly bool _enabled = IsEnabled;
    private readonly bool _warnsOnly = Get(s_warnsOnly);
    private readonly bool _cudnn = Get(s_cudnn);
    private readonly bool _benchmark = Get(s_benchmark);

    private DeterministicMode()
    {
        SetAlgorithms(true, warnOnly: false);
        Set(s_setCudnn, true);
        Set(s_setBenchmark, false);
    }

    /// <summary>Whether torch refuses operators whose result may differ from run to run.</summary>
    public static bool IsEnabled => Get(s_algorithms);

    /// <summary>Begins; what was before comes back when the result is disposed of.</summary>
    /// <exception cref="TypeInitializationException">This libtorch has no such functions; the inner <see cref="RunException"/> says so.</exception>
    public static IDisposable Begin() => new DeterministicMode();

    /// <inheritdoc/>
    public void Dispose()
    {
        SetAlgorithms(_enabled, _warnsOnly);
        Set(s_setCudnn, _cudnn);
        Set(s_setBenchmark, _benchmark);
    }

    private static void SetAlgorithms(bool enabled, bool warnOnly) =>
        ((delegate* unmanaged<nint, byte, byte, void>)s_setAlgorithms)(s_context, enabled ? (byte)1 : (byte)0, warnOnly ? (byte)1 : (byte)0);

    private static void Set(nint function, bool value) => ((delegate* unmanaged<nint, byte, void>)function)(s_context, value ? (byte)1 : (byte)0);

    private static bool Get(nint function) => ((delegate* unmanaged<nint, byte>)function)(s_context) != 0;

    private static nint Function(string itanium, string microsoft) => LibTorch.Function(itanium, microsoft, () => new RunException(
        ExitCode.Configuration, "DeterministicNotAvailable",
        $"trainer.deterministic is true, but libtorch {LibTorch.Version} has no function to ask for deterministic algorithms; set it to false.", "trainer.deterministic"));
}
