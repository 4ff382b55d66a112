namespace RobustTrain.Data;

/// <summary>
/// An ordered stream of batches for each epoch: the same for any number and kind of workers and for any history of failures.
/// </summary>
public interface IBatchLoader : IDisposable
{
    /// <summary>The dataset that is loaded.</summary>
    IDataset Dataset { get; }

    /// <summary>The number of batches of an epoch.</summary>
    int BatchCount { get; }

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
