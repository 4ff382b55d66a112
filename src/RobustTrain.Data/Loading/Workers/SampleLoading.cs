namespace RobustTrain.Data.Loading.Workers;

/// <summary>Loads single samples of a dataset, with the faults that are rehearsed.</summary>
internal sealed class SampleLoading(IDataset dataset, FaultInjector? faults)
{
    /// <summary>Loads a sample.</summary>
    /// <param name="key">The sample.</param>
    /// <param name="attempt">How often it was tried before.</param>
    /// <param name="buffer">Receives it.</param>
    /// <returns>Why it can't be loaded; null where it is.</returns>
    /// <exception cref="WorkerLostException">An injected fault ends the worker.</exception>
    public SampleException? TryLoad(SampleKey key, int attempt, SampleBuffer buffer)
    {
        try
        {
            faults?.BeforeLoad(key.Epoch, key.Index, attempt, dataset);
            dataset.Load(key, buffer);
            return null;
        }
        catch (SampleException exception)
        {
            return exception;
        }
        catch (Exception exception) when (exception is not WorkerLostException)
        {
            return new SampleException($"The sample {key.Index} ({dataset.NameOf(key.Index)}) can't be loaded: {exception.GetType().Name}: {exception.Message}", "", exception);
        }
    }
}
