namespace RobustTrain.Training.Providers;

/// <summary>TorchSharp's packages have no way to ask for deterministic algorithms only.</summary>
internal static class DeterministicMode
{
    /// <summary>Whether the provider can.</summary>
    public const bool IsAvailable = false;

    /// <summary>Begins; what was before comes back when the result is disposed of.</summary>
    public static IDisposable Begin() => throw new NotSupportedException("TorchSharp's packages can't use deterministic algorithms only.");
}
