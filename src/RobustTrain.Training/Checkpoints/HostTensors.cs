using RobustTrain.Training.Checkpoints.SafeTensors;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>Copies tensors from files to where the network is.</summary>
internal static class HostTensors
{
    /// <summary>Copies a tensor of an open file into <paramref name="target"/>, which must have its shape and type.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">The tensor's name.</param>
    /// <param name="target">Where the values go.</param>
    /// <param name="mismatch">Makes the exception from the difference, the end of a sentence.</param>
    public static void Copy(SafeTensorsReader file, string name, Tensor target, Func<string, Exception> mismatch)
    {
        if (!file.Entries.TryGetValue(name, out SafeTensorsEntry? entry))
            throw mismatch($"it has no tensor '{name}'");
        if (!entry.Shape.SequenceEqual(target.shape) || entry.Format.ScalarTypeOf() != target.dtype)
        {
            throw mismatch(
                $"its tensor '{name}' is {entry.Format} [{string.Join(", ", entry.Shape)}] instead of {ElementFormats.FormatOf(target.dtype)} [{string.Join(", ", target.shape)}]");
        }

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor host = empty(target.shape, target.dtype);
        host.bytes = file.Read(name);
        target.copy_(host);
    }
}
