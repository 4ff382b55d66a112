using System.Diagnostics;
using RobustTrain.Data;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading;

namespace RobustTrain.Tests.Data;

[Collection(LoaderCollection.Name)]
public sealed class WorkerTunerTests
{
    [Theory]
    [InlineData(1, 0.5, 1.5, true)]
    [InlineData(1, 0.01, 1.5, false)]
    [InlineData(1, 0.5, 0.1, false)]
    [InlineData(4, 0.5, 1.5, false)]
    public void One_more_worker_is_wanted_while_the_consumer_starves_and_processors_are_idle(int workers, double starving, double spare, bool wanted)
    {
        Clock clock = new();
        double idle = 100;
        WorkerTuner tuner = new(4, clock, () => idle);
        clock.Seconds = 1;
        idle += spare;
        string? reason = tuner.WhyOneMore(workers, (long)(starving * Stopwatch.Frequency));
        Assert.Equal(wanted, reason is not null);
        // It has to see a whole window of time before it decides again.
        Assert.Null(tuner.WhyOneMore(workers, long.MaxValue / 2));
    }

    [Fact]
    public void A_loader_that_finds_its_number_delivers_the_same_stream()
    {
        IntegersDataset dataset = new(3000);
        LoaderOptions options = new() { BatchSize = 8, Shuffle = true, Seed = 5, NumWorkers = null };
        LoaderRun run = LoaderRun.Of(dataset, options).MustBeWhole(dataset, options);
        Assert.Equal(LoaderRun.Of(dataset, options with { NumWorkers = 0 }).Ledger.Digest, run.Ledger.Digest);
    }

    private sealed class Clock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
