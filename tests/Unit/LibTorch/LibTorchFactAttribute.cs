namespace RobustTrain.Tests.LibTorch;

/// <summary>A test that calls libtorch: skipped, with the reason, where native/ is not built.</summary>
public sealed class LibTorchFactAttribute : FactAttribute
{
    public LibTorchFactAttribute() => Skip = LibTorchRequirement.Missing!;
}
