using System.Diagnostics;
using System.Globalization;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.ImageFolder;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Host.Limits;
using RobustTrain.Host.Output;
using RobustTrain.Host.Progress;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loading;

namespace RobustTrain.Host.Jobs;

/// <summary>Measures a loader, from the command line to the exit code.</summary>
/// <param name="request">What the command line asks.</param>
/// <param name="stream">Events to whoever started the process; null where nobody reads them.</param>
internal sealed class LoaderJob(LoaderRequest request, EventStream? stream)
{
    // A rehearsal shows recovery for as long as it lasts; to stop after five faults would show only the fallback.
    private const int RehearsalMaxErrors = 1_000_000;

    // A stalled thread can't be ended, so it comes back in the end, as from a slow server: what it does then is rehearsed too, and
    // there are always threads to go on with.
    private const double StallTimeouts = 3;

    // An operator who rehearses does not want to wait half a minute for each stalled sample.
    private static readonly TimeSpan RehearsalTimeout = TimeSpan.FromSeconds(2);
    private static readonly LoaderOptions s_defaults = new();
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(0.5);

    /// <summary>Measures.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        bool ownData = request.Images is not null || request.Integers is not null;
        TrainingConfig config = ownData
            ? ConfigurationReader.ReadPartial<TrainingConfig>(request.ConfigPath, request.Settings)
            : ConfigurationReader.Read<TrainingConfig>(request.ConfigPath, request.Settings);
        CheckOptions(config);
        return CancellableWork.Run(
            request.HasLifeLine,
            stopping => Run(config, stopping),
            reason => new RunException(ExitCode.Unexpected, "MeasurementStopped", $"The measurement was stopped ({reason}).", null));
    }

    private int Run(TrainingConfig config, CancellationToken stopping)
    {
        IDataset dataset = Open(config);
        foreach (RunWarning warning in LoaderJournal.WarningsOf(dataset))
        {
            stream?.Write(warning);
            if (stream is null)
                Console.Out.WriteLine(EventText.Warning(warning));
        }

        if (request.DecodeOnly)
            return DecodeOnly(dataset);
        if (dataset.Count == 0)
            throw new RunException(ExitCode.Configuration, "SplitEmpty", $"The {request.Split.ToString().ToLowerInvariant()} split of the dataset has no samples.", request.Split);
        WorkerKind[] kinds = request.Kinds.Count > 0 ? [.. request.Kinds] : [config.Loader.WorkerKind];
        int?[] numbers = request.Workers.Count > 0 ? [.. request.Workers] : [config.Loader.NumWorkers];
        SystemLimits limits = SystemLimits.OfThisProcess();
        foreach (WorkerKind kind in kinds)
            limits.Check(kind, numbers.Max(number => number ?? Environment.ProcessorCount), threads: 1);
        try
        {
            if (stream is null)
                Console.Out.WriteLine($"{"kind",-7} {"workers",7} {"samples/s",9} {"first ms",8} {"us/batch",8} {"worker MB",9} {"longest wait ms",15} {"delivered",9}");
            foreach (WorkerKind kind in kinds)
            {
                foreach (int? workers in numbers)
                    Measure(dataset, Options(config, kind, workers), stopping);
            }

            return (int)ExitCode.Finished;
        }
        finally
        {
            (dataset as IDisposable)?.Dispose();
        }
    }

    // What would have no effect is refused.
    private void CheckOptions(TrainingConfig config)
    {
        if (request.Images is not null && request.Integers is not null)
            throw new RunException(ExitCode.Configuration, "TwoSources", "--images and --integers are both given, but only one of them can be loaded; leave one out.", "--integers");
        bool isWithoutWorkers = (request.Workers.Count > 0 ? request.Workers : [config.Loader.NumWorkers]).Contains(0);
        FaultKind[] ofWorkers = [.. (request.Faults?.Rules ?? []).Select(rule => rule.Kind).Where(kind => kind is not (FaultKind.Corrupt or FaultKind.Exception))];
        if (isWithoutWorkers && ofWorkers.Length > 0)
        {
            throw new RunException(
                ExitCode.Configuration, "FaultWithoutWorkers",
                $"--fault {ofWorkers[0].ToString().ToLowerInvariant()} befalls workers, but a measurement with 0 workers has none; give --workers 1 or more. Only corrupt and exception befall samples wherever they are loaded.",
                "--fault");
        }
    }

    private static string Name(WorkerKind kind) => kind.ToString().ToLowerInvariant();

    private int DecodeOnly(IDataset dataset)
    {
        if (dataset is not ImageFolderDataset images)
            throw new RunException(ExitCode.Configuration, "ImagesMissing", "--decode-only needs --images: the folder whose files are decoded.", "--images");
        string[] files = [.. Enumerable.Range(0, images.Count).SelectMany(images.FilesOf)];
        foreach (int? workers in request.Workers.Count > 0 ? request.Workers : [1])
        {
            int threads = Math.Max(1, workers ?? Environment.ProcessorCount);
            DecodingBenchmark.Measure(files, threads);
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Counted.Of(threads, "thread")}, images a second: {DecodingBenchmark.Measure(files, threads):F0}"));
        }

        return (int)ExitCode.Finished;
    }

    private LoaderOptions Options(TrainingConfig config, WorkerKind kind, int? workers)
    {
        LoaderOptions options = config.Loader with
        {
            LastBatch = LastBatch.Keep,
            QuarantinePath = null,
            Seed = config.Seed,
            Shuffle = request.Split == DatasetSplit.Train,
            EnlargeRatio = config.Data.EnlargeRatio,
            WorkerKind = kind,
            NumWorkers = workers,
            Observer = Tell,
        };
        return request.Faults is null ? options : Rehearsal(options, request.Faults);
    }

    // What a rehearsal shows is that nothing is lost unnamed, so it goes on where a training would end. A key wins that
    // --set names, or whose value is not its default; one that the file sets to its default can't be told from one that is not set.
    private LoaderOptions Rehearsal(LoaderOptions options, FaultPlan faults)
    {
        TimeSpan timeout = IsSet("timeout", options.Timeout, s_defaults.Timeout) ? options.Timeout : RehearsalTimeout;
        return options with
        {
            Faults = faults with { StallSeconds = StallTimeouts * timeout.TotalSeconds },
            MaxErrors = IsSet("max_errors", options.MaxErrors, s_defaults.MaxErrors) ? options.MaxErrors : RehearsalMaxErrors,
            Timeout = timeout,
            OnBadSample = IsSet("on_bad_sample", options.OnBadSample, s_defaults.OnBadSample) ? options.OnBadSample : BadSamplePolicy.Skip,
            MaxSkipped = IsSet("max_skipped", options.MaxSkipped, s_defaults.MaxSkipped) ? options.MaxSkipped : int.MaxValue,
        };
    }

    private bool IsSet<T>(string key, T value, T defaultValue) =>
        !EqualityComparer<T>.Default.Equals(value, defaultValue) || request.Settings.Any(setting => setting.TrimStart().StartsWith($"loader.{key}", StringComparison.OrdinalIgnoreCase));

    private IDataset Open(TrainingConfig config)
    {
        if (request.Integers is int count)
            return new IntegersDataset(count);
        return request.Images is string folder
            ? new ImageFolderDataset(new ImageFolderOptions
            {
                Path = folder,
                CropSize = request.CropSize,
                Augmentation = new AugmentationOptions { HorizontalFlip = 0.5 },
            })
            : TaskCatalog.OpenDataset(config, request.Split);
    }

    private void Measure(IDataset dataset, LoaderOptions options, CancellationToken stopping)
    {
        using PrefetchLoader loader = new(dataset, options);
        long told = Stopwatch.GetTimestamp();
        int total = dataset.Count * options.EnlargeRatio * request.Epochs;
        long before = 0;
        for (int epoch = 0; epoch < request.Epochs; epoch++)
        {
            LoaderMeasurement measured = LoaderBenchmark.Measure(loader, options, epoch, stopping, done =>
            {
                if (stream is null || Stopwatch.GetElapsedTime(told) < ProgressInterval)
                    return;
                told = Stopwatch.GetTimestamp();
                stream.Write(new LoaderProgress(Name(options.WorkerKind), options.NumWorkers, (int)(before + done), total));
            });
            before += measured.Planned;
            Report(measured, options.WorkerKind, loader.RingBytes);
        }
    }

    private void Tell(LoaderEvent happened) => stream?.Write(LoaderJournal.Of(happened));

    private void Warn(string message)
    {
        if (stream is null)
            CommandGuard.Say(message);
        else
            stream.Write(new RunWarning(message));
    }

    private static string Text(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    private void Report(LoaderMeasurement measured, WorkerKind kind, long ringBytes)
    {
        EpochLedger ledger = measured.Ledger;
        if (measured.SamplesPerSecond is null)
        {
            string subject = request.Images is not null ? "The folder of images" : request.Integers is not null ? "The range of integers" : $"The {request.Split.ToString().ToLowerInvariant()} split";
            Warn($"{subject} is one batch, which is too short to tell samples a second and the longest wait: load more samples, or make batches smaller (loader.batch_size).");
        }

        LoaderStatistics times = measured.Statistics;
        if (stream is null)
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Name(kind),-7} {times.Workers,7} {Text(measured.SamplesPerSecond, "F0"),9} {measured.FirstBatchMilliseconds,8:F1} {Text(measured.OverheadMicroseconds, "F1"),8} {Text(measured.WorkerMemoryBytes / 1048576.0, "F1"),9} {Text(measured.LongestWaitMilliseconds, "F1"),15} {ledger.Delivered,9}"));
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {ledger.Retried} retried, {ledger.Skipped} skipped, {measured.Lost} lost, {Counted.Of(ledger.WorkerFailures, "failure")}, digest {ledger.Digest[..16]}"));
            return;
        }

        stream.Write(new LoaderMeasured(
            Name(kind), times.Workers, measured.SamplesPerSecond, measured.FirstBatchMilliseconds, measured.OverheadMicroseconds,
            measured.WorkerMemoryBytes, ringBytes, measured.LongestWaitMilliseconds, times.ReadSeconds, times.DecodeSeconds,
            times.AugmentSeconds, times.WorkerWaitSeconds, times.ConsumerWaitShare, ledger.Delivered, ledger.Retried, ledger.Skipped,
            ledger.Quarantined, ledger.WorkerFailures, ledger.Digest)
        {
            Epoch = ledger.Epoch,
            Lost = measured.Lost,
        });
    }
}

/// <summary>What <c>robusttrain loader</c> is asked for.</summary>
/// <param name="ConfigPath">The configuration file; null for the defaults.</param>
/// <param name="Settings">Keys set on the command line.</param>
/// <param name="Images">A folder of images in place of the configuration's data.</param>
/// <param name="Integers">So many integers in place of data.</param>
/// <param name="CropSize">The side of the crops of images.</param>
/// <param name="Workers">Numbers of workers, null finds one; empty for the configuration's.</param>
/// <param name="Kinds">Kinds of workers; empty for the configuration's.</param>
/// <param name="Epochs">Epochs of each measurement.</param>
/// <param name="Split">The split to load.</param>
/// <param name="Faults">Faults to inject; null for none.</param>
/// <param name="DecodeOnly">Whether files are decoded by no loader at all.</param>
/// <param name="HasLifeLine">Whether standard input is the parent's life line.</param>
internal sealed record LoaderRequest(
    string? ConfigPath,
    IReadOnlyList<string> Settings,
    string? Images,
    int? Integers,
    int CropSize,
    IReadOnlyList<int?> Workers,
    IReadOnlyList<WorkerKind> Kinds,
    int Epochs,
    DatasetSplit Split,
    FaultPlan? Faults,
    bool DecodeOnly,
    bool HasLifeLine);
