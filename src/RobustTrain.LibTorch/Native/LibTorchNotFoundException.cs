namespace RobustTrain.Native;

/// <summary>libtorch, or the library of native/ that stands on it, is not installed or cannot be loaded.
/// The message says what is missing and how to install it.</summary>
public sealed class LibTorchNotFoundException : DllNotFoundException
{
    internal const string Remedy =
        "Install libtorch ('apt-get install libtorch-dev libgloo-dev libopenblas0-openmp', or set LIBTORCH to the 'torch' folder of a PyTorch installation), then run './build.sh build'.";

    internal LibTorchNotFoundException(string message, Exception? inner = null) : base(message, inner) { }
}
