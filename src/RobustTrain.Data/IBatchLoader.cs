namespace RobustTrain.Data;

/// <summary>
/// An ordered stream of batches for each epoch: the same for any number and kind of workers and for any history of failures.
/// </summary>
public interface IBatchLoader : IDisposable
{
    /// <summary>The dataset that is loaded.</summary>
    IDataset Dataset { get; }

    /// <summary>
    /// The batches of an epoch, from <paramref name="startBatch"/> on, in order; each must be disposed by the consumer.
    /// Two streams of one loader share no state.
    /// </summary>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="startBatch">The first batch to deliver; reaching it costs the same wherever it stands.</param>
    /// <param name="stopping">Ends the stream with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="SampleException">A sample can't be loaded and may not be skipped.</exception>
    IEnumerable<IBatch> ReadEpoch(int epoch, int startBatch = 0, CancellationToken stopping = default);
}

/// <summary>
/// Samples side by side in one slot of the loader's ring. Disposing it gives the slot back; the memory must not be used after that.
/// </summary>
public interface IBatch : IDisposable
{
    /// <summary>The batch's place in its epoch, from 0.</summary>
    int Index { get; }

    /// <summary>The dataset's indices of the samples, in the order in which they stand in the batch.</summary>
    IReadOnlyList<int> SampleIndices { get; }

    /// <summary>The position that was planned for a sample in the whole batch of all ranks; those of samples that are skipped stay empty.</summary>
    /// <param name="sample">Where the sample stands in this batch, from 0.</param>
    int PositionOf(int sample) => sample;

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
