namespace RobustTrain.Data;

/// <summary>
/// Samples side by side in one slot of the loader's ring. Disposing it gives the slot back; the memory must not be used after that.
/// </summary>
public interface IBatch : IDisposable
{
    /// <summary>The epoch, from 0.</summary>
    int Epoch { get; }

    /// <summary>The batch's place in its epoch, from 0.</summary>
    int Index { get; }

    /// <summary>The dataset's indices of the samples, in the order in which they stand in the batch.</summary>
    IReadOnlyList<int> SampleIndices { get; }

    /// <summary>A field by its name.</summary>
    /// <exception cref="KeyNotFoundException">The dataset has no such field; the message names those it has.</exception>
    BatchField this[string field] { get; }
}

/// <summary>One field of a batch: contiguous memory that is valid until the batch is disposed.</summary>
/// <param name="Name">The field's name.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The shape, the batch dimension first; row-major.</param>
/// <param name="Address">The address of the first element, aligned to 64 bytes.</param>
public readonly record struct BatchField(string Name, ElementType Type, IReadOnlyList<long> Shape, nint Address);
