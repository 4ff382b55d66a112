using System.Collections.Concurrent;
using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training.Evaluation;

/// <summary>Runs a network over a dataset, without learning, and scores it.</summary>
/// <param name="config">The loader's batch size and the threads.</param>
/// <param name="task">What the network gives, and how it is scored.</param>
/// <param name="device">Where the network is.</param>
/// <param name="loaders">Open and keep the loaders of the splits.</param>
/// <param name="journal">Is told now and then how far the pass is.</param>
/// <param name="time">The clock.</param>
/// <param name="ranks">Each scores its part of the batches, and all have the scores of all; null for this process alone.</param>
internal sealed class EvaluationPass(TrainingConfig config, ITrainingTask task, Device device, EvaluationLoaders loaders, IRunJournal journal, TimeProvider time, Ranks? ranks = null)
{
    private readonly Ranks _ranks = ranks ?? Ranks.Single;

    // The loader keeps no more batches apart than its queue is long.
    private readonly int _workers = Math.Min(config.Trainer.EvaluationWorkers ?? 1, config.Loader.PrefetchQueueLength);

    /// <summary>Scores <paramref name="model"/>, which is in training mode again afterwards where it was before.</summary>
    /// <param name="model">The network.</param>
    /// <param name="epoch">The training's epoch, from 0: a sample that can't be loaded is left out of the passes of later epochs.</param>
    /// <param name="split">The split's name for people and events.</param>
    /// <param name="dataset">The samples.</param>
    /// <param name="stopping">Ends the pass with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="RunException">A label is no class, or memory is short.</exception>
    /// <exception cref="SampleException">A sample can't be loaded.</exception>
    public EvaluationResult Run(nn.Module model, int epoch, string split, IDataset dataset, CancellationToken stopping)
    {
        IReadOnlyList<SampleResult> samples = _ranks.IsAlone
            ? Score(model, epoch, split, dataset, stopping)
            : [.. _ranks.All(new CollectivePurpose($"{split} scores", 0), () => SharedScores.Write(Score(model, epoch, split, dataset, stopping))).SelectMany(SharedScores.Read)];
        return new EvaluationResult(split, task.Aggregate(samples), samples);
    }

    // Those of this rank.
    private List<SampleResult> Score(nn.Module model, int epoch, string split, IDataset dataset, CancellationToken stopping)
    {
        bool wasTraining = model.training;
        model.eval();
        try
        {
            List<SampleResult> samples = [];
            int total = loaders.CountOf(dataset);
            var progress = new Throttle(TimeSpan.FromSeconds(config.Trainer.LogIntervalSeconds), time);
            BatchScores scores = new(task, device, model, dataset);
            using EpochStream stream = loaders.For(split, dataset).Open(epoch, stopping: stopping);
            using ParallelScoring scoring = new(scores.Of, _workers, config.Threads ?? Environment.ProcessorCount);
            IEnumerable<IReadOnlyList<SampleResult>> counted = _workers == 1 ? OneByOne(stream, scores) : scoring.Of(Batches(stream));
            foreach (IReadOnlyList<SampleResult> batch in counted)
            {
                samples.AddRange(batch);
                if (progress.IsDue())
                    journal.Write(new EvaluationProgress(split, samples.Count, total) { Workers = _workers });
                stopping.ThrowIfCancellationRequested();
            }

            journal.Write(new LoaderEpoch(epoch, split, LoaderJournal.FiguresOf(stream, loaders.WorkerKind)));
            return samples;
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            throw TorchFailure.OutOfMemory(
                config.Loader.EvalBatchSize == 1
                    ? $"even one sample at once in the {split} pass; make model.base_channels smaller"
                    : $"the {split} pass with batches of {config.Loader.EvalBatchSize}; make loader.eval_batch_size smaller",
                failed);
        }
        finally
        {
            model.train(wasTraining);
        }
    }

    private static IEnumerable<IReadOnlyList<SampleResult>> OneByOne(EpochStream stream, BatchScores scores)
    {
        foreach (IBatch batch in Batches(stream))
        {
            using (batch)
                yield return scores.Of(batch);
        }
    }

    private static IEnumerable<IBatch> Batches(EpochStream stream)
    {
        while (stream.MoveNext())
            yield return stream.Current;
    }
}

/// <summary>Computes what a network predicts for a batch, and counts it.</summary>
/// <param name="task">What the network gives, and how it is counted.</param>
/// <param name="device">Where the network is.</param>
/// <param name="model">The network, in evaluation mode; several threads may use it at once.</param>
/// <param name="dataset">The samples' names.</param>
internal sealed class BatchScores(ITrainingTask task, Device device, nn.Module model, IDataset dataset)
{
    /// <summary>Counts a batch, on the thread that calls.</summary>
    /// <exception cref="Runs.RunException">A label is no class.</exception>
    public IReadOnlyList<SampleResult> Of(IBatch batch)
    {
        IReadOnlyList<SampleResult> counted = Count(batch);
        StepMemory.Collect();
        return counted;
    }

    private IReadOnlyList<SampleResult> Count(IBatch batch)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using BatchTensors tensors = BatchTensors.From(batch, task.Fields, device);
        return task.Score(task.Forward(model, tensors), tensors, [.. batch.SampleIndices.Select(dataset.NameOf)]);
    }
}

/// <summary>
/// Scores batches on several threads and hands the counts out in the batches' order. Each thread computes a whole batch with as many threads
/// of an operator as the training has, so that a batch's counts are the same whichever thread computes it.
/// </summary>
/// <param name="score">Scores a batch.</param>
/// <param name="workers">How many are computed at once.</param>
/// <param name="threads">CPU threads of one operator.</param>
internal sealed class ParallelScoring(Func<IBatch, IReadOnlyList<SampleResult>> score, int workers, int threads) : IDisposable
{
    private readonly Queue<Task<IReadOnlyList<SampleResult>>> _underWay = [];
    private readonly BlockingCollection<Task> _tasks = [];
    private readonly List<Thread> _threads = [];

    /// <summary>The batches' counts, in order.</summary>
    /// <param name="batches">The batches; each is disposed as soon as it is scored.</param>
    /// <exception cref="Exception">What scoring the first batch that can't be scored threw.</exception>
    public IEnumerable<IReadOnlyList<SampleResult>> Of(IEnumerable<IBatch> batches)
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
        Task<IReadOnlyList<SampleResult>> task = new(() =>
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

    private IReadOnlyList<SampleResult> Next() => _underWay.Dequeue().GetAwaiter().GetResult();

    private void Work()
    {
        // The number is the calling thread's own where libtorch computes with OpenMP.
        set_num_threads(threads);
        foreach (Task task in _tasks.GetConsumingEnumerable())
            task.RunSynchronously();
    }
}

/// <summary>The scores of a network on a dataset.</summary>
/// <param name="Split">The split: validation, test or training.</param>
/// <param name="Aggregated">The scores of all samples together.</param>
/// <param name="Samples">What was counted in each sample, in the dataset's order.</param>
public sealed record EvaluationResult(string Split, AggregatedScores Aggregated, IReadOnlyList<SampleResult> Samples)
{
    /// <summary>The aggregated scores that are defined, by name; those of a set as <c>SET/f1</c>.</summary>
    public IReadOnlyDictionary<string, double> Scores { get; init; } = Aggregated.Named;

    /// <summary>Pictures of some of the samples; null where none were asked for.</summary>
    internal ValidationPictures? Pictures { get; init; }

    /// <summary>The same with scores for each set of samples. A set of which every sample was skipped has none.</summary>
    internal EvaluationResult Of(IReadOnlyList<ValidationSet> sets, ITrainingTask task)
    {
        Dictionary<string, double> scores = new(Aggregated.Named);
        foreach (ValidationSet set in sets)
        {
            foreach ((string name, double score) in task.Aggregate(Samples.Where(sample => set.Samples.Contains(sample.Name))).Named)
                scores.Add($"{set.Name}/{name}", score);
        }

        return this with { Scores = scores };
    }
}

/// <summary>Lets something through at most once an interval.</summary>
/// <param name="interval">The shortest time between two.</param>
/// <param name="time">The clock.</param>
internal sealed class Throttle(TimeSpan interval, TimeProvider time)
{
    private long _last = time.GetTimestamp();

    /// <summary>Whether the interval has passed since this last said so, or since the beginning.</summary>
    public bool IsDue()
    {
        long now = time.GetTimestamp();
        if (time.GetElapsedTime(_last, now) < interval)
            return false;
        _last = now;
        return true;
    }
}
