namespace RobustTrain.Tests.LibTorch;

/// <inheritdoc cref="LibTorchFactAttribute"/>
public sealed class LibTorchTheoryAttribute : TheoryAttribute
{
    public LibTorchTheoryAttribute() => Skip = LibTorchRequirement.Missing!;
}
