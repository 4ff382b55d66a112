using System.Diagnostics;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Data.Ordering;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading;

/// <summary>Runs a loader over a dataset without a training.</summary>
public static class LoaderBenchmark
{
    private const int MemoryInterval = 16;
    private const int ProgressInterval = 16;

    /// <summary>Goes through one epoch of a loader that is open already, so that its workers may be there.</summary>
    /// <param name="loader">What loads.</param>
    /// <param name="options">How it loads.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="stopping">Ends it early.</param>
    /// <param name="onProgress">Is told now and then how many samples are there.</param>
    /// <exception cref="SampleException">A sample can't be loaded and may not be skipped.</exception>
    /// <exception cref="SkipBudgetException">More samples can't be loaded than may be skipped.</exception>
    public static LoaderMeasurement Measure(PrefetchLoader loader, LoaderOptions options, int epoch, CancellationToken stopping, Action<long>? onProgress = null)
    {
        EpochPlan plan = new(loader.Dataset.Count, options, epoch);
        Dictionary<int, long> workers = [];
        long samples = 0;
        int batches = 0;
        int firstCount = 0;
        long longest = 0;
        long givingBack = 0;
        long start = Stopwatch.GetTimestamp();
        long firstAt = start;
        using EpochStream stream = loader.Open(epoch, stopping: stopping);
        while (true)
        {
            long asked = Stopwatch.GetTimestamp();
            if (!stream.MoveNext())
                break;
            IBatch batch = stream.Current;
            long now = Stopwatch.GetTimestamp();
            if (batches++ == 0)
            {
                firstAt = now;
                firstCount = batch.SampleIndices.Count;
            }
            else
            {
                longest = Math.Max(longest, now - asked);
            }

            samples += batch.SampleIndices.Count;
            if (batches % ProgressInterval == 0)
                onProgress?.Invoke(samples);
            if (options.WorkerKind == WorkerKind.Process && batches % MemoryInterval == 1)
                LookAtWorkers(stream, workers);
            long done = Stopwatch.GetTimestamp();
            batch.Dispose();
            givingBack += Stopwatch.GetTimestamp() - done;
        }

        long end = Stopwatch.GetTimestamp();
        LookAtWorkers(stream, workers);
        LoaderStatistics statistics = stream.Statistics;
        double seconds = Stopwatch.GetElapsedTime(firstAt, end).TotalSeconds;
        return new LoaderMeasurement(
            batches > 1 ? (samples - firstCount) / seconds : null,
            Stopwatch.GetElapsedTime(start, firstAt).TotalMilliseconds,
            batches > 0 ? (statistics.HandOverSeconds + LoaderStatistics.Seconds(givingBack)) * 1e6 / batches : null,
            workers.Count > 0 ? workers.Values.Max() : null,
            batches > 1 ? longest * 1000.0 / Stopwatch.Frequency : null,
            Enumerable.Range(0, plan.BatchCount).Sum(plan.CountOf),
            statistics,
            stream.Ledger);
    }

    private static void LookAtWorkers(EpochStream stream, Dictionary<int, long> workers)
    {
        foreach (int process in stream.Workers.Select(worker => worker.ProcessId).OfType<int>())
        {
            // The ring's pages count in every process that has touched them, and are there once; a worker may end while it is looked at.
            if (ProcessMemory.OwnBytesOf(process) is { } bytes)
                workers[process] = Math.Max(bytes, workers.GetValueOrDefault(process));
        }
    }
}

/// <summary>What a loader achieved over one epoch without a training.</summary>
/// <param name="SamplesPerSecond">Samples delivered a second, the first batch's wait left out; null where there was one batch only, which tells no rate.</param>
/// <param name="FirstBatchMilliseconds">Milliseconds from opening the stream to its first batch.</param>
/// <param name="OverheadMicroseconds">Microseconds a batch that the consumer spent on neither waiting for samples nor loading them: publishing, taking over, giving back; null where there was no batch.</param>
/// <param name="WorkerMemoryBytes">The largest resident memory of a process worker in bytes, the ring that all share left out; null for threads.</param>
/// <param name="LongestWaitMilliseconds">Milliseconds of the longest wait for a batch after the first; null where there was none after it.</param>
/// <param name="Planned">The samples that the epoch's plan has.</param>
/// <param name="Statistics">Where the time went.</param>
/// <param name="Ledger">The account of the epoch.</param>
public sealed record LoaderMeasurement(
    double? SamplesPerSecond, double FirstBatchMilliseconds, double? OverheadMicroseconds, long? WorkerMemoryBytes, double? LongestWaitMilliseconds, int Planned, LoaderStatistics Statistics, EpochLedger Ledger)
{
    /// <summary>Samples that were neither delivered nor named in the ledger.</summary>
    public int Lost => Planned - Ledger.Delivered - Ledger.Skipped;
}

/// <summary>Decodes images and does nothing with them: what a loader is to be measured by.</summary>
public static class DecodingBenchmark
{
    /// <summary>Decodes every file once.</summary>
    /// <param name="files">The images.</param>
    /// <param name="threads">How many threads share the work, at least 1.</param>
    /// <returns>Images a second.</returns>
    /// <exception cref="SampleException">A file can't be decoded.</exception>
    public static double Measure(IReadOnlyList<string> files, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        int next = -1;
        Exception? failure = null;
        long start = Stopwatch.GetTimestamp();
        Thread[] decoders = [.. Enumerable.Range(0, threads).Select(_ => new Thread(Decode))];
        foreach (Thread decoder in decoders)
            decoder.Start();
        foreach (Thread decoder in decoders)
            decoder.Join();
        return failure is null ? files.Count / Stopwatch.GetElapsedTime(start).TotalSeconds : throw failure;

        void Decode()
        {
            try
            {
                using ImageReader reader = new();
                ImageBuffer image = new();
                for (int file = Interlocked.Increment(ref next); file < files.Count; file = Interlocked.Increment(ref next))
                    reader.Decode(files[file], image);
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref failure, exception, null);
            }
        }
    }
}
