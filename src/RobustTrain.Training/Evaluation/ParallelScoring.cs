using System.Collections.Concurrent;
using RobustTrain.Data;
using RobustTrain.Training.Metrics;
using static TorchSharp.torch;

namespace RobustTrain.Training.Evaluation;

/// <summary>
/// Scores batches on several threads and hands the counts out in the batches' order. Each thread computes a whole batch with as many threads
/// of an operator as the training has, so that a batch's counts are the same whichever thread computes it.
/// </summary>
/// <param name="score">Scores a batch.</param>
/// <param name="workers">How many are computed at once.</param>
/// <param name="threads">CPU threads of one operator.</param>
internal sealed class ParallelScoring(Func<IBatch, IReadOnlyList<DatapointConfusion>> score, int workers, int threads) : IDisposable
{
    private readonly Queue<Task<IReadOnlyList<DatapointConfusion>>> _underWay = [];
    private readonly BlockingCollection<Task> _tasks = [];
    private readonly List<Thread> _threads = [];

    /// <summary>The batches' counts, in order.</summary>
    /// <param name="batches">The batches; each is disposed as soon as it is scored.</param>
    /// <exception cref="Exception">What scoring the first batch that can't be scored threw.</exception>
    public IEnumerable<IReadOnlyList<DatapointConfusion>> Of(IEnumerable<IBatch> batches)
    {
        foreach (IBatch batch in batches)
        {
            Begin(batch);
            if (_underWay.Count >= workers)
                yield return Next();
        }

        while (_underWay.Count > 0)
            yield return Next();
    }

    /// <summary>Waits for what is under way: the network and the batches are in use until then.</summary>
    public void Dispose()
    {
        _tasks.CompleteAdding();
        foreach (Thread thread in _threads)
            thread.Join();
        _tasks.Dispose();
    }

    private void Begin(IBatch batch)
    {
        Task<IReadOnlyList<DatapointConfusion>> task = new(() =>
        {
            using (batch)
                return score(batch);
        });
        _underWay.Enqueue(task);
        _tasks.Add(task);
        if (_underWay.Count <= _threads.Count)
            return;
        Thread thread = new(Work) { IsBackground = true, Name = $"evaluation {_threads.Count}" };
        _threads.Add(thread);
        thread.Start();
    }

    private IReadOnlyList<DatapointConfusion> Next() => _underWay.Dequeue().GetAwaiter().GetResult();

    private void Work()
    {
        // The number is the calling thread's own where libtorch computes with OpenMP.
        set_num_threads(threads);
        foreach (Task task in _tasks.GetConsumingEnumerable())
            task.RunSynchronously();
    }
}
