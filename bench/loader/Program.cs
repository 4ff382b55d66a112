using System.Diagnostics;
using System.Globalization;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Datasets.ImageFolder;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Workers;

// What a loader does apart from decoding, each in a process of its own: PROGRAM ROBUSTTRAIN first|overhead|kill|resume|memory ...
// Prints numbers, one line each, for compare.py.
WorkerCommand command = new(args[0], [WorkerCommand.Verb]);
switch (args[1])
{
    case "first":
        First(Options(16), args[4] == "-" ? new IntegersDataset(4096) : Images(args[4]));
        break;
    case "overhead":
        Overhead(Options(256));
        break;
    case "kill":
        Kill(Images(args[4]), Options(16));
        break;
    case "resume":
        Resume(Options(256));
        break;
    case "memory":
        Memory(args[4], Options(16));
        break;
    default:
        throw new ArgumentException($"There is no measurement '{args[1]}'.");
}

LoaderOptions Options(int batch) => new()
{
    BatchSize = batch,
    Shuffle = true,
    Seed = 1,
    WorkerKind = Enum.Parse<WorkerKind>(args[2], ignoreCase: true),
    NumWorkers = int.Parse(args[3], CultureInfo.InvariantCulture),
    MaxErrors = 1_000_000,
    WorkerCommand = command,
};

static ImageFolderDataset Images(string folder) => new(new ImageFolderOptions { Path = folder, CropSize = 224, Augmentation = new AugmentationOptions { HorizontalFlip = 0.5 } });

static void Print(params double[] numbers) => Console.WriteLine(string.Join(' ', numbers.Select(number => number.ToString("F3", CultureInfo.InvariantCulture))));

// Milliseconds from making a loader, the first of its process, to its first batch.
static void First(LoaderOptions options, IDataset dataset)
{
    long start = Stopwatch.GetTimestamp();
    using PrefetchLoader loader = new(dataset, options);
    using EpochStream stream = loader.Open(0);
    stream.MoveNext();
    double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    stream.Current.Dispose();
    Print(milliseconds);
}

// Microseconds and managed bytes a batch, once the code is compiled: the median over epochs. Then the bytes with eight times the samples in a batch.
static void Overhead(LoaderOptions options)
{
    (double microseconds, double bytes) = Steady(options, 2000);
    Print(microseconds, bytes, Steady(options with { BatchSize = options.BatchSize * 8 }, 500).Bytes);
}

static (double Microseconds, double Bytes) Steady(LoaderOptions options, int batches)
{
    using PrefetchLoader loader = new(new IntegersDataset(options.BatchSize * batches), options);
    List<double> times = [];
    List<double> allocated = [];
    for (int epoch = 0; epoch < 9; epoch++)
    {
        using EpochStream stream = loader.Open(epoch);
        stream.MoveNext();
        stream.Current.Dispose();
        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        long start = Stopwatch.GetTimestamp();
        while (stream.MoveNext())
            stream.Current.Dispose();
        times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / (batches - 1));
        allocated.Add((GC.GetTotalAllocatedBytes(precise: true) - bytes) / (batches - 1.0));
    }

    return (Median(times.Skip(4)), Median(allocated.Skip(4)));
}

static double Median(IEnumerable<double> values)
{
    double[] ordered = [.. values.Order()];
    return ordered[ordered.Length / 2];
}

// Kills a worker again and again: milliseconds from the signal to the first sample of its replacement (median, largest), and the
// consumer's longest wait after a signal (median, largest).
static void Kill(IDataset dataset, LoaderOptions options)
{
    using PrefetchLoader loader = new(dataset, options with { EnlargeRatio = 1000 });
    using EpochStream stream = loader.Open(0);
    List<double> recoveries = [];
    List<double> waits = [];
    Dictionary<int, long> before = [];
    Next(40);
    for (int kill = 0; kill < 12; kill++)
    {
        WorkerStatus victim = stream.Workers[kill % stream.Workers.Count];
        long start = Stopwatch.GetTimestamp();
        using (Process process = Process.GetProcessById(victim.ProcessId!.Value))
            process.Kill();
        double longest = 0;
        while (true)
        {
            long asked = Stopwatch.GetTimestamp();
            Next(1);
            longest = Math.Max(longest, Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            WorkerStatus now = stream.Workers.First(worker => worker.Name == victim.Name);
            // A seat's samples count on from those of the one that was killed, which may have finished a few more after it was looked at.
            if (now.ProcessId is int replacement && replacement != victim.ProcessId && SamplesOf(now) is > 0)
                break;
        }

        recoveries.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        waits.Add(longest);
        Next(40);

        // The seat's count stands still while there is no worker, so what it is when a new process is first seen belongs to former ones.
        long SamplesOf(WorkerStatus status)
        {
            if (!before.TryGetValue(status.ProcessId!.Value, out long former))
                before.Add(status.ProcessId.Value, former = status.Samples);
            return status.Samples - former;
        }
    }

    Print(Median(recoveries), recoveries.Max(), Median(waits), waits.Max());

    void Next(int batches)
    {
        for (int batch = 0; batch < batches; batch++)
        {
            if (!stream.MoveNext())
                throw new InvalidOperationException("The epoch is too short.");
            stream.Current.Dispose();
        }
    }
}

// Milliseconds from opening a stream to its first batch, at the epoch's beginning and at 99 % of it, in turns: two medians.
static void Resume(LoaderOptions options)
{
    using PrefetchLoader loader = new(new IntegersDataset(100_000_000), options);
    List<double> whole = [];
    List<double> late = [];
    for (int turn = 0; turn < 210; turn++)
    {
        foreach ((List<double> times, int start) in ((List<double>, int)[])[(whole, 0), (late, (int)(loader.BatchCount * 0.99))])
        {
            long opened = Stopwatch.GetTimestamp();
            using EpochStream stream = loader.Open(turn, start);
            stream.MoveNext();
            stream.Current.Dispose();
            times.Add(Stopwatch.GetElapsedTime(opened).TotalMilliseconds);
        }
    }

    Print(Median(whole.Skip(10)), Median(late.Skip(10)));
}

// The largest resident memory of a process worker in MB over an epoch of images, or of air-change where the folder is the benchmark's:
// without the ring's pages, and with those that it has touched.
static void Memory(string folder, LoaderOptions options)
{
    IDataset dataset = Directory.Exists(Path.Combine(folder, "Szada"))
        ? new AirChangeDataset(new AirChangeOptions { Path = folder, Split = DatasetSplit.Train, Augmentation = new AugmentationOptions { Rotate = true, Brightness = 0.2 } })
        : Images(folder);
    using PrefetchLoader loader = new(dataset, options);
    LoaderMeasurement measured = LoaderBenchmark.Measure(loader, options, 0, CancellationToken.None);
    // Its workers live until the loader is disposed.
    IEnumerable<string> workers = Directory.EnumerateDirectories("/proc/self/task").SelectMany(thread => File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries));
    double largest = workers.Max(PeakMegabytes);
    Print(measured.WorkerMemoryBytes!.Value / 1048576.0, largest, measured.SamplesPerSecond!.Value);
}

static double PeakMegabytes(string process)
{
    string line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
    return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
}
