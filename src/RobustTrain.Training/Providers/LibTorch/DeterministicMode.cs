using RobustTrain.Native;

namespace RobustTrain.Training.Providers;

/// <summary>Lets torch, and cuDNN below it, use deterministic algorithms only.</summary>
internal sealed class DeterministicMode : IDisposable
{
    /// <summary>Whether the provider can.</summary>
    public const bool IsAvailable = true;

    private readonly (bool Enabled, bool WarnsOnly) _before = (Determinism.Enabled, Determinism.WarnsOnly);
    private readonly (bool Deterministic, bool Benchmark) _cudnnBefore = (Cudnn.Deterministic, Cudnn.Benchmark);

    private DeterministicMode()
    {
        Determinism.Set(true);
        Cudnn.Deterministic = true;
        Cudnn.Benchmark = false;
    }

    /// <summary>Begins; what was before comes back when the result is disposed of.</summary>
    public static IDisposable Begin() => new DeterministicMode();

    /// <inheritdoc/>
    public void Dispose()
    {
        Determinism.Set(_before.Enabled, _before.WarnsOnly);
        (Cudnn.Deterministic, Cudnn.Benchmark) = _cudnnBefore;
    }
}
