using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.SuperResolution.Losses;
using RobustTrain.Training.Tasks.SuperResolution.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>Trainings against a discriminator: all of it is in checkpoints, and it is changed by the steps that change the network.</summary>
[Collection(TorchCollection.Name)]
public sealed class GanTrainingTests : IDisposable
{
    private readonly SmallTraining _untouched = Training();
    private readonly SmallTraining _stopped = Training();

    public void Dispose()
    {
        _untouched.Dispose();
        _stopped.Dispose();
    }

    [Theory]
    [InlineData("vanilla", "adam", 1, 0)]
    [InlineData("hinge", "adamw", 2, 2)]
    [InlineData("lsgan", "sgd", 1, 3)]
    public void Stopped_after_every_step_it_ends_with_the_same_bits(string loss, string optimizer, int accumulate, int start)
    {
        foreach (SmallTraining training in (SmallTraining[])[_untouched, _stopped])
        {
            training.Config = training.Config with
            {
                Gan = training.Config.Gan with { Loss = loss, StartStep = start },
                Optimizer = training.Config.Optimizer with { Name = optimizer },
                Trainer = training.Config.Trainer with { Accumulate = accumulate, EmaDecay = accumulate > 1 ? 0.9 : null },
            };
        }

        _untouched.Run();
        int stops = 0;
        while (_stopped.RunSteps(1).ExitCode == ExitCode.Stopped)
            stops++;

        IReadOnlyDictionary<string, string> expected = _untouched.FinalState();
        Assert.InRange(stops, 3, int.MaxValue);
        Assert.Contains(Checkpoint.DiscriminatorFile, expected.Keys);
        Assert.Contains(Checkpoint.DiscriminatorOptimizerFile, expected.Keys);
        Assert.Equal(expected, _stopped.FinalState());
        Assert.False(IsFresh(_untouched));
    }

    [Fact]
    public void Killed_by_a_rollback_it_goes_back_with_its_discriminator()
    {
        // The first step after the first epoch fails once; with the learning rate kept, what follows is what would have been.
        _stopped.Config = _stopped.Config with { Numerics = new NumericsConfig { OnFailure = "rollback", RollbackFactor = 1 } };
        _untouched.Config = _stopped.Config;
        bool failed = false;
        _stopped.Data = _stopped.Data with { Training = new EnlargementsDataset(14) { Spoils = key => key.Epoch == 1 && !failed && (failed = true) } };

        _untouched.Run();
        _stopped.Run();

        Assert.True(failed);
        Assert.Equal(Digest(_untouched, Checkpoint.WeightsFile), Digest(_stopped, Checkpoint.WeightsFile));
        Assert.Equal(Digest(_untouched, Checkpoint.DiscriminatorFile), Digest(_stopped, Checkpoint.DiscriminatorFile));
        Assert.Equal(Digest(_untouched, Checkpoint.DiscriminatorOptimizerFile), Digest(_stopped, Checkpoint.DiscriminatorOptimizerFile));
    }

    [Fact]
    public void Steps_that_are_left_out_change_neither_network()
    {
        _stopped.Config = _stopped.Config with
        {
            Numerics = new NumericsConfig { OnFailure = "skip", MaxFailures = 100 }, Trainer = _stopped.Config.Trainer with { Epochs = 1 },
        };
        _stopped.Data = _stopped.Data with { Training = new EnlargementsDataset(14) { Spoils = _ => true } };

        _stopped.Run();

        Assert.True(IsFresh(_stopped));
    }

    [Fact]
    public void Before_its_first_step_it_neither_learns_nor_judges()
    {
        _stopped.Config = _stopped.Config with { Gan = _stopped.Config.Gan with { StartStep = 1000 } };
        _untouched.Config = _untouched.Config with { Gan = new GanConfig() };

        _stopped.Run();
        _untouched.Run();

        Assert.True(IsFresh(_stopped));
        Assert.Equal(Digest(_untouched, Checkpoint.WeightsFile), Digest(_stopped, Checkpoint.WeightsFile));
        Assert.DoesNotContain(Checkpoint.DiscriminatorFile, _untouched.FinalState().Keys);
    }

    [Fact]
    public void A_step_that_begins_again_in_smaller_parts_has_the_bits_of_one_that_began_so()
    {
        TrainingConfig config = _untouched.Config with { Schedule = new ScheduleConfig { Name = "constant" } };
        using Bench again = new(config, fits: 2);
        using Bench small = new(config, fits: 2);
        small.MicroBatch.Halve(new NumericsConfig(), 4, "before", new OutOfMemoryException("as if"));

        Assert.Equal(StepVerdict.Retry, again.Take().Verdict);
        Assert.Equal(StepVerdict.Complete, again.Take().Verdict);
        Assert.Equal(StepVerdict.Complete, small.Take().Verdict);

        Assert.Equal(small.State(), again.State());
    }

    [Fact]
    public void Sides_that_the_discriminator_can_t_halve_are_refused_before_anything_is_created()
    {
        _stopped.Data = _stopped.Data with { Training = new EnlargementsDataset(14, side: 12) };

        RunException refused = Assert.Throws<RunException>(() => _stopped.Run());

        Assert.Equal("DiscriminatorImageSize", refused.ErrorId);
        Assert.Equal("The discriminator (gan.loss: vanilla) does not fit images of 12x12 pixels (height x width): it halves them 3 times and doubles them again, so each side must divide by 8; set data.crop_size.", refused.Message);
        Assert.False(Directory.Exists(_stopped.RunPath));
    }

    private static SmallTraining Training()
    {
        SmallTraining training = new() { Data = new DataSplits(new EnlargementsDataset(14), new EnlargementsDataset(3, salt: 1), new EnlargementsDataset(3, salt: 2)) };
        training.Config = training.Config with
        {
            Task = "super-resolution",
            Model = new ModelConfig { Name = "srvggnet-compact", Scale = 2, Features = 4, Blocks = 1 },
            Criterion = new CriterionConfig { Name = "l1" },
            Gan = new GanConfig { Loss = "vanilla", Features = 2, DiscriminatorLearningRate = 0.01 },
            Trainer = training.Config.Trainer with { Epochs = 2, BestMetric = "psnr_y" },
        };
        return training;
    }

    private static string Digest(SmallTraining training, string file) => training.FinalState()[file];

    // Whether the discriminator of the newest checkpoint is the one that the training began with.
    private static bool IsFresh(SmallTraining training)
    {
        using UNetDiscriminator fresh = new(3, training.Config.Gan.Features, training.Config.Seed);
        using SafeTensorsReader file = SafeTensorsReader.Open(Path.Combine(training.Checkpoints.List()[0].Path, Checkpoint.DiscriminatorFile));
        return fresh.state_dict().All(named => file.Read(named.Key).AsSpan().SequenceEqual(named.Value.detach().bytes));
    }

    /// <summary>One step with its parts, of a network whose memory is as small as the test needs.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly PrefetchLoader _loader;
        private readonly ILossSetup _setup;
        private readonly ITrainingLoss _loss;
        private readonly Learner _learner;
        private readonly TrainingStep _step;
        private readonly TrainingBatch _batch;

        public Bench(TrainingConfig config, int fits)
        {
            TrainingPlan plan = TrainingPlan.Create(config, new DataSplits(new EnlargementsDataset(4), new EnlargementsDataset(1), new EnlargementsDataset(1)));
            _loader = new PrefetchLoader(plan.Data.Training, new LoaderOptions { BatchSize = 4, NumWorkers = 0 });
            _setup = plan.Task.CreateLossSetup();
            _loss = _setup.Create(_loader, CPU);
            _learner = Learner.Of(new NarrowModel(fits), config);
            _step = new TrainingStep(plan, _learner, _loss, new NumericGuard(config.Numerics, new MemoryJournal()), MicroBatch, new LossScale(isUsed: false), new MemoryJournal());
            using EpochStream stream = _loader.Open(0);
            stream.MoveNext();
            _batch = TrainingBatch.InLoaderMemory(stream.Current, plan.Task.Fields, CPU, stream.Ledger);
        }

        public MicroBatchSize MicroBatch { get; } = new();

        public StepResult Take() => _step.Take(_batch, TrainingCursor.Start);

        /// <summary>All that a checkpoint holds of both networks.</summary>
        public Dictionary<string, string> State()
        {
            CheckpointDraft draft = new();
            draft.Fill([.. _learner.States, _setup]);
            return draft.Files.SelectMany(file => file.Value.Select(tensor => (Name: $"{file.Key} {tensor.Name}", Bytes: Convert.ToHexString(tensor.Data.Span))))
                .ToDictionary(item => item.Name, item => item.Bytes);
        }

        public void Dispose()
        {
            _batch.Dispose();
            _step.Dispose();
            _learner.Dispose();
            _loss.Dispose();
            _setup.Dispose();
            _loader.Dispose();
        }
    }

    private sealed class NarrowModel : SuperResolutionModel
    {
        private readonly int _fits;
        private readonly Conv2d _only = nn.Conv2d(3, 12, 3, padding: 1);

        public NarrowModel(int fits)
            : base("narrow", 2)
        {
            _fits = fits;
            register_module("only", _only);
            InitializeWeights(1);
        }

        public override Tensor forward(Tensor image) =>
            image.shape[0] > _fits ? throw new OutOfMemoryException("as if") : nn.functional.pixel_shuffle(_only.call(image), 2);

        internal override void InitializeWeights(long seed) => WeightInitialization.KaimingUniform(this, seed);

        internal override string Describe(OnnxGraph graph, string image) => throw new NotSupportedException();
    }
}

/// <summary>Noise, and the same in each pixel four times, which is to be learned. Made in memory.</summary>
internal sealed class EnlargementsDataset(int count, int side = 32, int salt = 0) : IDataset
{
    public int Count => count;

    /// <summary>Says which samples are NaN.</summary>
    public Func<SampleKey, bool> Spoils { get; init; } = _ => false;

    public IReadOnlyList<FieldSpec> Fields { get; } =
        [new("lq", ElementType.Float32, [3, side / 2, side / 2]), new("gt", ElementType.Float32, [3, side, side])];

    public IReadOnlyList<DatasetWarning> Warnings => [];

    public string NameOf(int index) => $"noise {index}";

    public void Load(SampleKey key, SampleBuffer target)
    {
        var random = new Random(unchecked((key.Index * 7919) + (salt * 104729) + (int)(key.Epoch * 31)));
        Span<float> low = target.Field<float>(0);
        Span<float> high = target.Field<float>(1);
        for (int i = 0; i < low.Length; i++)
            low[i] = (float)random.NextDouble();
        for (int i = 0; i < high.Length; i++)
        {
            (int row, int x) = (i / side, i % side);
            (int channel, int y) = (row / side, row % side);
            high[i] = low[(((channel * side / 2) + (y / 2)) * side / 2) + (x / 2)];
        }

        if (Spoils(key))
            low.Fill(float.NaN);
    }
}
