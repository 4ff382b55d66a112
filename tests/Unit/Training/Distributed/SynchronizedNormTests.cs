using System.ComponentModel.DataAnnotations;
using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training.Distributed;

/// <summary>Shards that have the batch statistics of the whole batch.</summary>
[Collection(TorchCollection.Name)]
public sealed class SynchronizedNormTests : IDisposable
{
    private static readonly TrainingConfig s_stepConfig = new()
    {
        Seed = 3,
        Threads = 1,
        Model = new ModelConfig { BaseChannels = 2 },
        Loader = new LoaderOptions { BatchSize = 8, NumWorkers = 0 },
        Optimizer = new OptimizerConfig { Name = "sgd", LearningRate = 0.1, Momentum = 0, WeightDecay = 0 },
        Schedule = new ScheduleConfig { Name = "constant" },
        Trainer = new TrainerConfig { Shards = 4, SynchronizedBatchNorm = true, DriftCheckSteps = 1 },
    };

    private readonly List<SmallTraining> _trainings = [];

    public void Dispose() => _trainings.ForEach(training => training.Dispose());

    [Theory]
    [InlineData("plain")]
    [InlineData("accumulate")]
    [InlineData("bf16")]
    [InlineData("fp16")]
    [InlineData("hanet")]
    [InlineData("deeplab")]
    public void All_numbers_of_ranks_end_with_the_same_bits(string kind)
    {
        IReadOnlyDictionary<string, string> alone = FinalStateOn(1, () => Make(kind));
        Assert.Equal(alone, FinalStateOn(2, () => Make(kind)));
        Assert.Equal(alone, FinalStateOn(4, () => Make(kind)));
    }

    [Fact]
    public void A_number_of_shards_that_is_no_power_of_2_has_the_same_bits_on_1_2_and_3_ranks()
    {
        IReadOnlyDictionary<string, string> alone = FinalStateOn(1, () => Make(shards: 6));
        Assert.Equal(alone, FinalStateOn(2, () => Make(shards: 6)));
        Assert.Equal(alone, FinalStateOn(3, () => Make(shards: 6)));
    }

    [Fact]
    public void Stopped_on_2_ranks_it_goes_on_on_4_and_on_1_with_the_same_bits()
    {
        IReadOnlyDictionary<string, string> untouched = FinalStateOn(1, () => Make());
        SmallTraining training = Make();
        training.RunStepsOn(2, steps: 1, asked: 1);
        training.RunStepsOn(4, steps: 1, asked: 3);
        training.RunOn(1);
        Assert.Equal(untouched, training.FinalState());
    }

    // The last batch has 6 samples, and with skipped ones a shard of one sample has none.
    [Theory]
    [InlineData(8, 1, false)]
    [InlineData(8, 2, false)]
    [InlineData(4, 1, true)]
    [InlineData(4, 2, true)]
    public void Losses_weights_and_running_statistics_are_those_of_a_batch_that_is_not_cut(int batchSize, int accumulate, bool skips)
    {
        SmallTraining Exact(int shards)
        {
            SmallTraining training = Make(shards: shards, batchSize: batchSize, dropout: 0, torn: skips ? [3, 8, 9] : []);
            training.Config = training.Config with
            {
                Optimizer = new OptimizerConfig { Name = "sgd", LearningRate = 0.05, Momentum = 0.9, WeightDecay = 0 },
                Trainer = training.Config.Trainer with { Accumulate = accumulate, ClipNorm = null, TotalIter = 3 },
            };
            return training;
        }

        (SmallTraining whole, MemoryJournal expected) = (Exact(1), new MemoryJournal());
        whole.RunOn(1, expected);
        (SmallTraining cut, MemoryJournal actual) = (Exact(4), new MemoryJournal());
        cut.RunOn(2, actual);

        AssertClose("losses", [.. expected.Of<StepFinished>().Select(step => (float)step.Loss)], [.. actual.Of<StepFinished>().Select(step => (float)step.Loss)]);
        using SafeTensorsReader expectedWeights = Weights(whole);
        using SafeTensorsReader actualWeights = Weights(cut);
        string[] names = [.. expectedWeights.Entries.Keys];
        Assert.Contains(names, name => name.EndsWith("running_var", StringComparison.Ordinal));
        foreach (string name in names)
        {
            if (name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                Assert.Equal(expectedWeights.Read(name), actualWeights.Read(name));
            else
                AssertClose(name, SmallTraining.Floats(expectedWeights, name), SmallTraining.Floats(actualWeights, name));
        }
    }

    [Fact]
    public void Without_it_the_running_statistics_are_not_those_of_the_whole_batch()
    {
        SmallTraining whole = Make(shards: 1, dropout: 0);
        whole.RunOn(1);
        SmallTraining cut = Make(shards: 4, dropout: 0);
        cut.Config = cut.Config with { Trainer = cut.Config.Trainer with { SynchronizedBatchNorm = false } };
        cut.RunOn(1);
        using SafeTensorsReader expected = Weights(whole);
        using SafeTensorsReader actual = Weights(cut);
        string name = expected.Entries.Keys.First(each => each.EndsWith("running_var", StringComparison.Ordinal));
        Assert.Contains(SmallTraining.Floats(expected, name).Zip(SmallTraining.Floats(actual, name)), pair => Math.Abs(pair.First - pair.Second) > 1e-3 * Math.Abs(pair.First));
    }

    [Fact]
    public void A_skipped_sample_that_leaves_a_shard_or_a_rank_without_any_changes_no_bits()
    {
        SmallTraining Torn() => Make(batchSize: 4, torn: [3, 8, 9, 10, 11]);
        IReadOnlyDictionary<string, string> alone = FinalStateOn(1, Torn);
        Assert.Equal(alone, FinalStateOn(2, Torn));
        Assert.Equal(alone, FinalStateOn(4, Torn));
    }

    [Fact]
    public void A_sample_that_is_not_finite_is_found_in_whichever_shard_it_is()
    {
        SmallTraining Poisoned()
        {
            SmallTraining training = Make();
            training.Config = training.Config with { Numerics = training.Config.Numerics with { OnFailure = "skip", MaxFailures = 1000 } };
            training.Data = training.Data with { Training = new SquaresDataset(22) { Poisoned = 5 } };
            return training;
        }

        (SmallTraining alone, MemoryJournal told) = (Poisoned(), new MemoryJournal());
        alone.RunOn(1, told);
        (SmallTraining shared, MemoryJournal heard) = (Poisoned(), new MemoryJournal());
        shared.RunOn(4, heard);

        Assert.Equal(alone.FinalState(), shared.FinalState());
        Assert.Equal(2, told.Of<NumericFailureHandled>().Count());
        Assert.All(told.Of<NumericFailureHandled>(), failure => Assert.Contains("hold values that are not finite", failure.Problem));
        Assert.Equal(told.Of<NumericFailureHandled>().Select(failure => failure.Problem), heard.Of<NumericFailureHandled>().Select(failure => failure.Problem));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_NaN_of_the_backward_pass_of_one_shard_names_its_operation(int size)
    {
        TrainingConfig config = s_stepConfig with { Numerics = new NumericsConfig { OnFailure = "skip" } };
        using IDisposable anomaly = autograd.detect_anomaly();
        IReadOnlyList<float[]> weights = On(size, ranks =>
        {
            int calls = 0;
            int last = (4 / size) - 1;
            using StepBench bench = new(config, ranks, norms: () => 1, between: features => ranks.Rank == size - 1 && calls++ == last ? (features * 0).sqrt() : features);
            float[] before = bench.Weights;
            Assert.Equal(StepVerdict.Complete, bench.Take().Verdict);
            Assert.Equal(before, bench.Weights);
            if (ranks.IsFirst)
                Assert.Contains("'MulBackward1'", Assert.Single(bench.Journal.Of<NumericFailureHandled>()).Problem);

            // And the next step is a whole one.
            Assert.Equal(StepVerdict.Complete, bench.Take(step: 1).Verdict);
            Assert.NotEqual(before, bench.Weights);
            return bench.Weights;
        });
        Assert.All(weights, each => Assert.Equal(weights[0], each));
    }

    [Fact]
    public void What_goes_wrong_in_one_shard_of_one_rank_ends_all_in_order()
    {
        AggregateException ended = Assert.Throws<AggregateException>(() => On(2, ranks =>
        {
            int calls = 0;
            using StepBench bench = new(s_stepConfig, ranks, norms: () => 1, between: features => ranks.Rank == 0 && calls++ == 1 ? throw new NotSupportedException("as if") : features);
            return bench.Take().Verdict;
        }));
        Assert.Equal(2, ended.InnerExceptions.Count);
        Assert.Contains(ended.InnerExceptions, own => own is NotSupportedException);
        Assert.Equal("Rank 0 failed: unexpected NotSupportedException: as if", Assert.Single(ended.InnerExceptions.OfType<RunException>()).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Memory_that_is_short_ends_all_with_what_helps(int size)
    {
        IReadOnlyList<bool> agreed = On(size, ranks =>
        {
            using StepBench bench = new(s_stepConfig, ranks, norms: () => 1, fits: ranks.Rank == size - 1 ? 1 : int.MaxValue);
            RunException failed = Assert.Throws<RunException>(() => bench.Take());
            Assert.Equal(
                (ExitCode.OutOfMemory, "The memory was not enough for step 0 (epoch 0, batch 0) with all shards of a rank at once, as trainer.synchronized_batch_norm needs them; start it with more ranks, make loader.batch_size or data.crop_size smaller, or set it to false."),
                (failed.ExitCode, failed.Message));
            return ranks.HaveAgreedToFail;
        });
        Assert.All(agreed, each => Assert.Equal(size > 1, each));
    }

    [Fact]
    public void A_lost_rank_is_named_with_what_it_was_awaited_in()
    {
        AggregateException ended = Assert.Throws<AggregateException>(() => On(2, ranks =>
        {
            using StepBench bench = new(s_stepConfig, ranks, norms: () => 1);
            return ranks.IsFirst ? bench.Take().Verdict : throw new InvalidOperationException("gone");
        }));
        Assert.Contains(ended.InnerExceptions, each => each is RankLostException { Purpose: ("batch statistics", 0) });
    }

    [Fact]
    public void Shards_that_come_to_their_normalisations_in_another_order_end_all()
    {
        AggregateException ended = Assert.Throws<AggregateException>(() => On(2, ranks =>
        {
            using StepBench bench = new(s_stepConfig, ranks, norms: () => 1 + ranks.Rank);
            return bench.Take().Verdict;
        }));
        Assert.Equal(2, ended.InnerExceptions.Count);
        Assert.All(ended.InnerExceptions, each => Assert.Contains("do not come to the network's batch normalisations in the same order", each.Message));

        int calls = 0;
        using StepBench alone = new(s_stepConfig, Ranks.Single, norms: () => 1 + (calls++ % 2));
        Assert.Equal("NormalizationsOutOfStep", Assert.Throws<RunException>(() => alone.Take()).ErrorId);
    }

    [Fact]
    public void A_network_that_changes_other_buffers_in_training_is_refused()
    {
        StepBench? bench = null;
        bench = new StepBench(s_stepConfig, Ranks.Single, norms: () => 1, between: features =>
        {
            bench!.Model.Seen.add_(1);
            return features;
        });
        using (bench)
            Assert.Equal("BuffersChange", Assert.Throws<RunException>(() => bench.Take()).ErrorId);
    }

    [Fact]
    public void Configurations_in_which_nothing_can_be_shared_are_refused()
    {
        TrainingConfig With(Func<TrainerConfig, TrainerConfig> change) => s_stepConfig with { Trainer = change(s_stepConfig.Trainer) };
        AssertRefused(
            "'trainer.synchronized_batch_norm' is true, but 'trainer.shards' is 1, so that each batch is normalised as a whole already; set 'trainer.shards' to 2 or more.",
            With(trainer => trainer with { Shards = 1 }));
        AssertRefused(
            "'trainer.micro_batch' is 1, but 'trainer.synchronized_batch_norm' is true, and the whole batch has no statistics before all of it is computed; it must be null.",
            With(trainer => trainer with { MicroBatch = 1 }));
        AssertRefused(
            "'trainer.synchronized_batch_norm' is true, but 'gan.loss' is vanilla, and a network that is trained against a discriminator can't share statistics; it must be false.",
            s_stepConfig with { Task = "super-resolution", Model = new ModelConfig { Name = "srvggnet-compact" }, Criterion = new CriterionConfig { Name = "l1" }, Gan = new GanConfig { Loss = "vanilla" }, Trainer = s_stepConfig.Trainer with { BestMetric = "psnr_y" } });
        AssertRefused(
            "'trainer.synchronized_batch_norm' is true, but 'model.path' is given, and the layers of a TorchScript network can't be reached; it must be false.",
            s_stepConfig with { Model = new ModelConfig { Path = "network.pt" } });
    }

    [Fact]
    public void Networks_and_devices_that_can_share_nothing_are_refused()
    {
        SmallTraining training = Make();
        training.Data = new DataSplits(new EnlargementsDataset(22), new EnlargementsDataset(3, salt: 1), new EnlargementsDataset(3, salt: 2));
        training.Config = training.Config with
        {
            Task = "super-resolution",
            Model = new ModelConfig { Name = "srvggnet-compact", Scale = 2, Features = 4, Blocks = 1 },
            Criterion = new CriterionConfig { Name = "l1" },
            Trainer = training.Config.Trainer with { BestMetric = "psnr_y" },
        };
        RunException without = Assert.Throws<RunException>(() => TrainingPlan.Create(training.Config, training.Data));
        Assert.Equal((ExitCode.Configuration, "trainer.synchronized_batch_norm is true, but the network has no batch normalisation; set it to false."), (without.ExitCode, without.Message));
        Assert.False(Directory.Exists(training.RunPath));

        using var untracked = nn.Sequential(("first", nn.BatchNorm2d(2)), ("second", nn.BatchNorm2d(2, track_running_stats: false)));
        RunException untold = Assert.Throws<RunException>(() => SynchronizedNorms.Check(untracked));
        Assert.Equal("trainer.synchronized_batch_norm is true, but the network's 'second' keeps no running statistics; set it to false.", untold.Message);

        Device gpu = new(DeviceType.CUDA, 0);
        SynchronizedNorms.Check(CPU, 4, ranks: 2);
        SynchronizedNorms.Check(gpu, 4, ranks: 4);
        RunException shared = Assert.Throws<RunException>(() => SynchronizedNorms.Check(gpu, 4, ranks: 2));
        Assert.Equal("trainer.synchronized_batch_norm on GPUs takes a rank for each shard, but trainer.shards is 4 and the run has 2 ranks; start it with 4 ranks, or set trainer.shards to 2.", shared.Message);
    }

    private static void AssertRefused(string message, TrainingConfig config) =>
        Assert.Contains(message, config.Validate(new ValidationContext(config)).Select(result => result.ErrorMessage));

    private static void AssertClose(string name, float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float scale = Math.Max(0.01f, expected.Max(Math.Abs));
        Assert.All(expected.Zip(actual), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= 1e-5 * scale, $"{name}: {pair.First:R} and {pair.Second:R}, where the greatest is {scale:R}"));
    }

    private static SafeTensorsReader Weights(SmallTraining training) => SafeTensorsReader.Open(Path.Combine(training.Checkpoints.List()[0].Path, Checkpoint.WeightsFile));

    private static IReadOnlyList<T> On<T>(int size, Func<Ranks, T> work) =>
        size == 1 ? [work(Ranks.Single)] : new ThreadRanks(size).Run(communicator => work(new Ranks(communicator)));

    private static IReadOnlyDictionary<string, string> FinalStateOn(int ranks, Func<SmallTraining> make)
    {
        SmallTraining training = make();
        Assert.All(training.RunOn(ranks), outcome => Assert.Equal(ExitCode.Finished, outcome.ExitCode));
        return training.FinalState();
    }

    // 22 samples in batches of 8: the last one has 6, which some shards of 4 get 1 of and others 2.
    private SmallTraining Make(string kind = "plain", int shards = 4, int batchSize = 8, double dropout = 0.2, params int[] torn)
    {
        SmallTraining training = new()
        {
            Data = new(
                new SquaresDataset(22) { OnLoad = key => Tear(key, torn) }, new SquaresDataset(6, salt: 1), new SquaresDataset(6, salt: 2)),
        };
        _trainings.Add(training);
        TrainerConfig trainer = training.Config.Trainer with { Epochs = 2, Shards = shards, SynchronizedBatchNorm = shards > 1, DriftCheckSteps = 2, ClipNorm = 0.5 };
        training.Config = training.Config with
        {
            Model = training.Config.Model with { Dropout = dropout },
            Loader = training.Config.Loader with { BatchSize = batchSize, EvalBatchSize = 2, NumWorkers = 1, OnBadSample = torn.Length > 0 ? BadSamplePolicy.Skip : BadSamplePolicy.Fail, MaxSkipped = torn.Length },
            Trainer = trainer,
        };
        switch (kind)
        {
            case "accumulate":
                training.Config = training.Config with { Trainer = trainer with { Accumulate = 2 } };
                break;
            case "bf16" or "fp16":
                training.Config = training.Config with { Trainer = trainer with { Precision = kind } };
                break;
            case "hanet":
                training.Config = training.Config with { Model = new ModelConfig { Name = "hanet", BaseChannels = 2 } };
                break;
            case "deeplab":
                // Of 17 samples the last batch has one, and so has the layer that normalises the images' means: no variance.
                training.Data = new(new ScenesDataset(17), new ScenesDataset(4), new ScenesDataset(4));
                training.Config = training.Config with
                {
                    Task = "segmentation",
                    Model = new ModelConfig { Name = "deeplabv3", BaseChannels = 2, Backbone = "resnet18", Dropout = 0.2 },
                    Trainer = trainer with { BestMetric = "mean_iou" },
                };
                break;
        }

        return training;
    }

    private static void Tear(SampleKey key, int[] torn)
    {
        if (torn.Contains(key.Index))
            throw new SampleException($"The file of {key.Index} is torn.", $"{key.Index}.png");
    }

    /// <summary>Images of which one half is of another class.</summary>
    private sealed class ScenesDataset(int count) : IDataset
    {
        private const int Side = 32;

        public int Count => count;

        public IReadOnlyList<FieldSpec> Fields { get; } = [new("image", ElementType.Float32, [3, Side, Side]), new("label", ElementType.Int64, [Side, Side])];

        public IReadOnlyList<DatasetWarning> Warnings => [];

        public string NameOf(int index) => $"scene {index}";

        public void Load(SampleKey key, SampleBuffer target)
        {
            Random random = new(key.Index);
            foreach (ref float value in target.Field<float>(0))
                value = (float)random.NextDouble();
            Span<long> label = target.Field<long>(1);
            label.Clear();
            label[(label.Length / 2)..].Fill(1);
        }
    }
}
