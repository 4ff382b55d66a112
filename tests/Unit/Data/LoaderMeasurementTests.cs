using System.Diagnostics;
using System.Text.Json;
using RobustTrain.Data;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading;
using RobustTrain.Tests.Host;

namespace RobustTrain.Tests.Data;

/// <summary>What is measured of a loader without a training.</summary>
[Collection(LoaderCollection.Name)]
public sealed class LoaderMeasurementTests
{
    private static readonly LoaderOptions Options = new() { BatchSize = 4 };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void What_a_batch_costs_counts_neither_the_loading_of_samples_nor_the_wait_for_them(int workers)
    {
        SlowDataset dataset = new();
        long start = Stopwatch.GetTimestamp();
        LoaderMeasurement measured = Measure(dataset, Options with { NumWorkers = workers, PrefetchQueueLength = 1 });
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        double slept = dataset.Count * SlowDataset.Delay.TotalMicroseconds;
        Assert.InRange(measured.OverheadMicroseconds!.Value * measured.Statistics.Batches, 1, elapsed - slept);
        Assert.InRange(measured.Statistics.HandOverSeconds, 0, measured.Statistics.ConsumerWaitSeconds);
    }

    [Fact]
    public async Task One_batch_tells_no_rate_and_says_so()
    {
        LoaderMeasurement one = Measure(new IntegersDataset(4), Options with { NumWorkers = 1 });
        Assert.Null(one.SamplesPerSecond);
        Assert.Null(one.LongestWaitMilliseconds);
        LoaderMeasurement two = Measure(new IntegersDataset(5), Options with { NumWorkers = 1 });
        Assert.True(two.SamplesPerSecond > 0);
        Assert.NotNull(two.LongestWaitMilliseconds);

        using TemporaryFolder folder = new();
        HostRun run = await HostRun.To(folder.Path, "loader", "--integers", "4", "--workers", "1");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("The range of integers is one batch, which is too short to tell samples a second", run.Error, StringComparison.Ordinal);
        Assert.Matches(@"thread +1 +- ", run.Output);
        Assert.DoesNotContain("NaN", run.Output, StringComparison.Ordinal);

        run = await HostRun.To(folder.Path, "loader", "--integers", "4", "--workers", "1", "--events");
        JsonElement[] events = [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Contains(events, happened => happened.GetProperty("event").GetString() == "warning");
        Assert.DoesNotContain(events, happened => happened.TryGetProperty("samples_per_second", out JsonElement rate) && rate.ValueKind == JsonValueKind.Number);
    }

    [Fact]
    public async Task The_table_fits_80_columns_and_has_every_figure()
    {
        using TemporaryFolder folder = new();
        HostRun run = await HostRun.To(folder.Path, "loader", "--integers", "100000", "--workers", "2", "--kind", "process", "thread", "--set", "loader.batch_size=64");
        Assert.Equal(0, run.ExitCode);
        string[] lines = run.Output.TrimEnd('\n').Split('\n');
        Assert.Equal(5, lines.Length);
        Assert.All(lines, line => Assert.InRange(line.Length, 1, 80));
        Assert.Matches("^kind +workers +samples/s +first ms +us/batch +worker MB +longest wait ms +delivered$", lines[0]);
        Assert.Matches(@"^process +2( +[\d.]+){5} +100000$", lines[1]);
        Assert.Matches("^  0 retried, 0 skipped, 0 lost, 0 failures, digest [0-9a-f]{16}$", lines[2]);
        Assert.Matches(@"^thread +2 ", lines[3]);
    }

    [Fact]
    public async Task The_number_of_workers_may_be_found_and_is_told()
    {
        using TemporaryFolder folder = new();
        HostRun run = await HostRun.To(folder.Path, "loader", "--integers", "1000", "--workers", "auto", "--events");
        Assert.Equal(0, run.ExitCode);
        JsonElement[] events = [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Contains(events, happened => happened.TryGetProperty("kind", out JsonElement kind) && kind.GetString() == "workers_chosen");
        Assert.Contains(events, happened => happened.GetProperty("event").GetString() == "loader_measured" && happened.GetProperty("delivered").GetInt32() == 1000);
    }

    [Theory]
    [InlineData("many")]
    [InlineData("1025")]
    [InlineData("-1")]
    public async Task A_number_of_workers_that_is_none_is_one_sentence(string number)
    {
        using TemporaryFolder folder = new();
        HostRun run = await HostRun.To(folder.Path, "loader", "--integers", "1000", $"--workers={number}");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"--workers is '{number}', but must be a whole number from 0 to 1024, or auto.", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--fault kill befalls workers, but a measurement with 0 workers has none", "--integers", "1000", "--workers", "2", "0", "--fault", "corrupt:0.1,kill:0.01")]
    [InlineData("--fault stall befalls workers, but a measurement with 0 workers has none", "--integers", "1000", "--set", "loader.num_workers=0", "--fault", "stall:0.01")]
    [InlineData("--images and --integers are both given", "--integers", "1000", "--images", ".")]
    [InlineData("--kind is 'fiber', but must be one of thread, process.", "--integers", "1000", "--kind", "fiber")]
    public async Task What_would_have_no_effect_is_refused(string sentence, params string[] arguments)
    {
        using TemporaryFolder folder = new();
        HostRun run = await HostRun.To(folder.Path, ["loader", .. arguments]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task Faults_of_samples_befall_them_without_workers_too_and_words_are_read_in_any_letter_case()
    {
        using TemporaryFolder folder = new();
        HostRun run = await HostRun.To(folder.Path, "loader", "--integers", "1000", "--workers", "0", "--kind", "Thread", "--split", "TRAIN", "--fault", "Corrupt:0.5", "--events");
        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain("\"skipped\":0,", run.Output.Split('\n').Last(line => line.Contains("loader_measured", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    private static LoaderMeasurement Measure(IDataset dataset, LoaderOptions options)
    {
        using PrefetchLoader loader = new(dataset, options);
        return LoaderBenchmark.Measure(loader, options, 0, CancellationToken.None);
    }

    private sealed class SlowDataset : IDataset
    {
        public static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(10);

        private readonly IntegersDataset _integers = new(24);

        public int Count => _integers.Count;

        public IReadOnlyList<FieldSpec> Fields => _integers.Fields;

        public string NameOf(int index) => _integers.NameOf(index);

        public void Load(SampleKey key, SampleBuffer target)
        {
            Thread.Sleep(Delay);
            _integers.Load(key, target);
        }
    }
}
