using System.Runtime.InteropServices;

namespace RobustTrain.Native;

/// <summary>libtorch refused a call. The message names the operator with the shapes and types of its arguments.
/// (An <see cref="ExternalException"/>, which is what TorchSharp throws.)</summary>
public sealed class TorchException : ExternalException
{
    internal TorchException(string message) : base(message) { }

    /// <summary>Whether an allocation failed, on the host or on a device.</summary>
    public bool IsOutOfMemory =>
        Message.Contains("can't allocate memory", StringComparison.Ordinal)
        || Message.Contains("not enough memory", StringComparison.Ordinal)
        || Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
        || Message.EndsWith("std::bad_alloc", StringComparison.Ordinal);
}
