using System.Diagnostics;
using System.Globalization;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Data.Ordering;

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
        return new LoaderMeasurement
        {
            Kind = options.WorkerKind,
            Workers = stream.Workers.Count,
            SamplesPerSecond = batches > 1 ? (samples - firstCount) / seconds : null,
            FirstBatchMilliseconds = Stopwatch.GetElapsedTime(start, firstAt).TotalMilliseconds,
            OverheadMicroseconds = batches > 0 ? (statistics.HandOverSeconds + LoaderStatistics.Seconds(givingBack)) * 1e6 / batches : null,
            WorkerMemoryBytes = workers.Count > 0 ? workers.Values.Max() : null,
            RingBytes = loader.RingBytes,
            LongestWaitMilliseconds = batches > 1 ? longest * 1000.0 / Stopwatch.Frequency : null,
            Statistics = statistics,
            Planned = Enumerable.Range(0, plan.BatchCount).Sum(plan.CountOf),
            Ledger = stream.Ledger,
        };
    }

    private static void LookAtWorkers(EpochStream stream, Dictionary<int, long> workers)
    {
        foreach (int process in stream.Workers.Select(worker => worker.ProcessId).OfType<int>())
        {
            try
            {
                string[] status = File.ReadAllLines($"/proc/{process}/status");
                // The ring's pages count in every process that has touched them, and are there once.
                long memory = (Kilobytes(status, "VmRSS:") - Kilobytes(status, "RssShmem:")) * 1024;
                workers[process] = Math.Max(memory, workers.GetValueOrDefault(process));
            }
            catch (IOException)
            {
                // It ended while it was looked at.
            }
        }
    }

    private static long Kilobytes(string[] status, string key)
    {
        string line = Array.Find(status, candidate => candidate.StartsWith(key, StringComparison.Ordinal)) ?? "0";
        return long.Parse(new string([.. line.Where(char.IsAsciiDigit)]), CultureInfo.InvariantCulture);
    }
}

/// <summary>What a loader achieved over one epoch without a training.</summary>
public sealed record LoaderMeasurement
{
    /// <summary>What the workers were.</summary>
    public required WorkerKind Kind { get; init; }

    /// <summary>How many workers there were at the end.</summary>
    public required int Workers { get; init; }

    /// <summary>Samples delivered a second, the first batch's wait left out; null where there was one batch only, which tells no rate.</summary>
    public required double? SamplesPerSecond { get; init; }

    /// <summary>Milliseconds from opening the stream to its first batch.</summary>
    public required double FirstBatchMilliseconds { get; init; }

    /// <summary>Microseconds a batch that the consumer spent on neither waiting for samples nor loading them: publishing, taking over, giving back; null where there was no batch.</summary>
    public required double? OverheadMicroseconds { get; init; }

    /// <summary>The largest resident memory of a process worker in bytes, the ring that all share left out; null for threads.</summary>
    public required long? WorkerMemoryBytes { get; init; }

    /// <summary>The bytes of the ring: slots times batch.</summary>
    public required long RingBytes { get; init; }

    /// <summary>Milliseconds of the longest wait for a batch after the first; null where there was none after it.</summary>
    public required double? LongestWaitMilliseconds { get; init; }

    /// <summary>Where the time went.</summary>
    public required LoaderStatistics Statistics { get; init; }

    /// <summary>The samples that the epoch's plan has.</summary>
    public required int Planned { get; init; }

    /// <summary>Samples that were neither delivered nor named in the ledger.</summary>
    public int Lost => Planned - Ledger.Delivered - Ledger.Skipped;

    /// <summary>The account of the epoch.</summary>
    public required EpochLedger Ledger { get; init; }
}
