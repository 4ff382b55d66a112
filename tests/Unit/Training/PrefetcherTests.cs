using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ChangeDetection;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>Batches that are copied to a device beside the step; the device is a stand-in, the order of things is the real one.</summary>
[Collection(TorchCollection.Name)]
public sealed class PrefetcherTests
{
    private static readonly LoaderOptions Options = new() { BatchSize = 4, NumWorkers = 1, PrefetchQueueLength = 1 };

    [Fact]
    public void The_next_batch_is_on_its_way_while_the_present_one_is_used_and_the_ledger_does_not_run_ahead()
    {
        using PrefetchLoader loader = new(new SquaresDataset(14), Options);
        using EpochStream stream = loader.Open(0);
        using RecordingCopier copier = new();
        using Prefetcher prefetcher = new(ChangeDetectionTask.SampleFields, CPU, copier);
        int used = 0;
        using BatchFeed feed = prefetcher.Open(stream, CancellationToken.None);
        while (feed.Next() is { } batch)
        {
            using (batch)
            {
                Assert.Equal(used++, batch.Index);
                Assert.Equal(Math.Min(used + 1, 4), copier.Begun);
                Assert.Equal(used, copier.Awaited);
                Assert.Equal(used, batch.Ledger.Batches);
                BatchTensors tensors = batch.Open();
                Assert.Equal(batch.SampleIndices.Count, tensors["image1"].shape[0]);
                Assert.Equal(Expected(batch.SampleIndices[0]), tensors["image1"].data<float>()[0]);
            }
        }

        Assert.Equal(4, used);
    }

    [Fact]
    public void On_the_cpu_images_lie_with_the_channels_last_and_keep_their_values()
    {
        using PrefetchLoader loader = new(new SquaresDataset(14), Options);
        using EpochStream stream = loader.Open(0);
        Assert.True(stream.MoveNext());
        using IBatch batch = stream.Current;
        using BatchTensors loaded = BatchTensors.Over(batch, ChangeDetectionTask.SampleFields);
        using BatchTensors tensors = BatchTensors.From(batch, ChangeDetectionTask.SampleFields, CPU);
        Assert.Equal([768L, 1, 48, 3], tensors["image1"].stride());
        Assert.Equal([768L, 1, 48, 3], tensors["image2"].stride());
        Assert.True(tensors["image1"].Equals(loaded["image1"]));
        Assert.True(tensors["image2"].Equals(loaded["image2"]));
        Assert.True(tensors["label"].Equals(loaded["label"]));
    }

    [Fact]
    public void Leaving_early_disposes_of_what_is_on_its_way()
    {
        using PrefetchLoader loader = new(new SquaresDataset(14), Options);
        using EpochStream stream = loader.Open(0);
        using RecordingCopier copier = new();
        using Prefetcher prefetcher = new(ChangeDetectionTask.SampleFields, CPU, copier);
        using (BatchFeed feed = prefetcher.Open(stream, CancellationToken.None))
        {
            using TrainingBatch? first = feed.Next();
            Assert.NotNull(first);
        }

        Assert.Equal(2, copier.Made.Count);
        Assert.All(copier.Made, tensors => Assert.True(tensors["image1"].IsInvalid));
    }

    [Fact]
    public void A_batch_that_can_not_be_loaded_is_met_after_the_one_before_it_was_used()
    {
        using PrefetchLoader loader = new(new SquaresDataset(14) { OnLoad = key => { if (key.Index == 6) throw new SampleException("The file is torn.", "6.png"); } }, Options);
        using EpochStream stream = loader.Open(0);
        using Prefetcher prefetcher = new(ChangeDetectionTask.SampleFields, CPU, new RecordingCopier());
        List<int> used = [];
        SampleException error = Assert.Throws<SampleException>(() =>
        {
            using BatchFeed feed = prefetcher.Open(stream, CancellationToken.None);
            while (feed.Next() is { } batch)
            {
                using (batch)
                    used.Add(batch.Index);
            }
        });
        Assert.Contains("torn", error.Message);
        Assert.Equal([0], used);
    }

    [Theory]
    [InlineData("cuda", false, "loader.prefetch_mode is cuda, but the device is cpu")]
    [InlineData("cpu", true, "loader.channels_last is true")]
    public void A_mode_that_does_not_fit_the_device_is_a_sentence(string mode, bool channelsLast, string expected)
    {
        using SmallTraining training = new();
        training.Config = training.Config with { Device = "cpu", Loader = training.Config.Loader with { PrefetchMode = mode, ChannelsLast = channelsLast } };
        RunException error = Assert.Throws<RunException>(() => TrainingPlan.Create(training.Config, training.Data));
        Assert.Equal(ExitCode.Configuration, error.ExitCode);
        Assert.Contains(expected, error.Message);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("cpu")]
    public void The_mode_changes_no_bit(string mode)
    {
        using SmallTraining plain = new();
        using SmallTraining other = new();
        other.Config = other.Config with { Loader = other.Config.Loader with { PrefetchMode = mode } };
        plain.Run();
        other.Run();
        Assert.Equal(plain.FinalState(), other.FinalState());
    }

    private static float Expected(int index)
    {
        using PrefetchLoader alone = new(new SquaresDataset(14), Options with { BatchSize = 1, NumWorkers = 0 });
        using EpochStream stream = alone.Open(0, index);
        Assert.True(stream.MoveNext());
        using IBatch batch = stream.Current;
        using BatchTensors tensors = BatchTensors.From(batch, ChangeDetectionTask.SampleFields, CPU);
        return tensors["image1"].data<float>()[0];
    }

    /// <summary>Copies at once, and counts.</summary>
    private sealed class RecordingCopier : IDeviceCopier
    {
        public int Begun { get; private set; }

        public int Awaited { get; private set; }

        public List<BatchTensors> Made { get; } = [];

        public BatchTensors Begin(IBatch batch)
        {
            Begun++;
            using BatchTensors host = BatchTensors.Over(batch, ChangeDetectionTask.SampleFields);
            BatchTensors tensors = host.Placed(tensor => tensor.clone());
            Made.Add(tensors);
            return tensors;
        }

        public void Await() => Awaited++;

        public void Dispose()
        {
            foreach (BatchTensors tensors in Made)
                tensors.Dispose();
        }
    }
}
