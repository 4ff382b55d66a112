using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Epochs;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Native;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ChangeDetection.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class MixedPrecisionTests : IDisposable
{
    private readonly SmallTraining _training = new();

    public void Dispose() => _training.Dispose();

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Convolutions_compute_in_16_bits_and_the_thread_is_as_before_afterwards(ScalarType type)
    {
        using IDisposable scope = NewDisposeScope();
        using var convolution = nn.Conv2d(3, 4, 3);
        Tensor image = rand(1, 3, 8, 8);
        using (Autocast.Begin(DeviceType.CPU, type))
        {
            Assert.True(Autocast.IsEnabled(DeviceType.CPU));
            Assert.Equal(type, convolution.call(image).dtype);
            using (Autocast.Begin(DeviceType.CPU, type))
                Assert.Equal(type, convolution.call(image).dtype);
            Assert.True(Autocast.IsEnabled(DeviceType.CPU));
        }

        Assert.False(Autocast.IsEnabled(DeviceType.CPU));
        Assert.Equal(ScalarType.Float32, convolution.call(image).dtype);
    }

    [Fact]
    public void A_network_that_fails_leaves_the_thread_as_it_was()
    {
        TrainingConfig config = _training.Config with { Trainer = _training.Config.Trainer with { Precision = "bf16" } };
        ITrainingTask task = TaskCatalog.Of(config);
        using nn.Module model = task.CreateModel(0);
        using BatchTensors batch = BatchTensors.Of([KeyValuePair.Create("image1", zeros(1, 5, 16, 16)), KeyValuePair.Create("image2", zeros(1, 5, 16, 16))]);

        Assert.ThrowsAny<Exception>(() => task.Forward(model, batch));

        Assert.False(Autocast.IsEnabled(DeviceType.CPU));
    }

    [Theory]
    [InlineData("bf16")]
    [InlineData("fp16")]
    public void It_learns_with_weights_in_32_bits(string precision)
    {
        TrainingOutcome whole = _training.Run();
        using SmallTraining half = Half(precision);
        MemoryJournal journal = new();

        TrainingOutcome outcome = half.Run(journal);

        Assert.Equal(ExitCode.Finished, outcome.ExitCode);
        using SafeTensorsReader weights = SafeTensorsReader.Open(Path.Combine(half.Checkpoints.List()[0].Path, Checkpoint.WeightsFile));
        Assert.All(weights.Entries.Values.Where(entry => entry.Shape.Count > 0), entry => Assert.Equal(ElementFormat.F32, entry.Format));
        Assert.InRange(outcome.TestScores!["f1"], whole.TestScores!["f1"] - 0.1, 1);
        Assert.NotEqual(_training.FinalState()[Checkpoint.WeightsFile], half.FinalState()[Checkpoint.WeightsFile]);
    }

    [Theory]
    [InlineData("bf16")]
    [InlineData("fp16")]
    public void A_training_that_is_stopped_and_goes_on_ends_with_the_same_bits(string precision)
    {
        using SmallTraining untouched = Half(precision);
        untouched.Run();
        using SmallTraining stopped = Half(precision);
        stopped.RunSteps(2);
        stopped.RunSteps(3);
        stopped.Run();

        Assert.Equal(untouched.FinalState(), stopped.FinalState());
    }

    [Fact]
    public void A_gradient_too_large_for_16_bits_leaves_the_step_out_and_halves_the_factor()
    {
        TrainingConfig config = _training.Config with { Optimizer = new OptimizerConfig { Name = "sgd", LearningRate = 1, Momentum = 0, WeightDecay = 0 }, Schedule = new ScheduleConfig { Name = "constant" } };
        TrainingPlan plan = TrainingPlan.Create(config, _training.Data);
        using Learner learner = Learner.Of(new HalfModel(), config);
        using PrefetchLoader loader = new(plan.Data.Training, new LoaderOptions { BatchSize = 4, NumWorkers = 0 });
        MemoryJournal journal = new();
        LossScale scale = new(isUsed: true);
        using TrainingStep step = new(plan, learner, new SteepLoss(), new NumericGuard(config.Numerics, journal), new MicroBatchSize(), scale, journal);
        using EpochStream stream = loader.Open(0);
        stream.MoveNext();
        TrainingBatch batch = TrainingBatch.InLoaderMemory(stream.Current, plan.Task.Fields, CPU, stream.Ledger);
        float Weight() => learner.Learned[0].Parameter.item<float>();

        // The gradient of an element is 4 times the factor: 262144, then 131072, then 65536, none of which a half can hold; 32768 it can.
        foreach (double factor in new[] { 32768.0, 16384, 8192 })
        {
            Assert.Equal(StepVerdict.Complete, step.Take(batch, TrainingCursor.Start).Verdict);
            Assert.Equal((factor, 1f), (journal.Of<LossScaleHalved>().Last().Factor, Weight()));
        }

        Assert.Equal(StepVerdict.Complete, step.Take(batch, TrainingCursor.Start).Verdict);
        Assert.Equal((8192.0, 1f - 4f), (scale.Factor, Weight()));
        Assert.Equal(3, journal.Of<LossScaleHalved>().Count());
    }

    [Fact]
    public void The_factor_grows_after_many_good_steps_and_ends_its_retreat_at_1()
    {
        LossScale scale = new(isUsed: true);
        for (int step = 0; step < 1999; step++)
            scale.Accept();
        Assert.Equal(65536, scale.Factor);
        scale.Accept();
        Assert.Equal(131072, scale.Factor);
        for (int step = 0; step < 17; step++)
            scale.Retreat();
        Assert.Equal((1, false), (scale.Factor, scale.CanRetreat));
        Assert.Equal((1, false), (new LossScale(isUsed: false).Factor, new LossScale(isUsed: false).CanRetreat));
    }

    [Fact]
    public void A_batch_in_parts_learns_what_the_whole_does()
    {
        _training.Config = _training.Config with { Model = _training.Config.Model with { Name = "hanet", BaseChannels = 2 }, Trainer = _training.Config.Trainer with { Epochs = 1 } };
        using SmallTraining parts = new();
        parts.Config = _training.Config with { Trainer = _training.Config.Trainer with { MicroBatch = 2 } };
        MemoryJournal journal = new();
        MemoryJournal wholeJournal = new();

        parts.Run(journal);
        _training.Run(wholeJournal);

        // Batch normalisation sees the parts: near, and not the same bits.
        double whole = wholeJournal.Of<EpochFinished>().Single().TrainLoss;
        Assert.InRange(journal.Of<EpochFinished>().Single().TrainLoss, whole * 0.8, whole * 1.2);
        Assert.NotEqual(_training.FinalState()[Checkpoint.WeightsFile], parts.FinalState()[Checkpoint.WeightsFile]);
        Assert.Empty(journal.Of<MicroBatchHalved>());
    }

    [Fact]
    public void Adaptive_clipping_bounds_each_units_gradient_by_its_weights()
    {
        using IDisposable scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Parameter weights = new(tensor(new float[] { 3, 4, 0, 0, 6, 8 }).reshape(3, 2));
        Parameter bias = new(tensor(new float[] { 3, 4 }));
        weights.grad = tensor(new float[] { 30, 40, 1, 0, 0.3f, 0.4f }).reshape(3, 2);
        bias.grad = tensor(new float[] { 30, 40 });

        new GradientClipping([weights, bias], maxNorm: null, maxRatio: 0.1, maxValue: null).Apply(0);

        // Norms of weights 5, 0 (which counts as 0.001) and 10; of gradients 50, 1 and 0.5, which stays.
        float[] expected = [0.3f, 0.4f, 1e-4f, 0, 0.3f, 0.4f];
        Assert.All(weights.grad!.data<float>().ToArray().Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 5));
        Assert.All(bias.grad!.data<float>().ToArray().Zip(new[] { 0.3f, 0.4f }), pair => Assert.Equal(pair.Second, pair.First, 5));
    }

    private sealed class HalfModel : ChangeDetectionModel
    {
        private readonly Parameter _weight = new(ones(1));

        public HalfModel()
            : base(nameof(HalfModel)) => RegisterComponents();

        public override Tensor forward(Tensor image1, Tensor image2) => _weight.to(ScalarType.Float16).to(ScalarType.Float32);

        internal override void InitializeWeights(long seed)
        {
        }

        internal override string Describe(OnnxGraph graph, string image1, string image2) => throw new NotSupportedException();
    }

    private sealed class SteepLoss : ITrainingLoss
    {
        public Tensor Compute(Tensor output, BatchTensors batch) => (output * 4).sum();

        public void Dispose()
        {
        }
    }

    private static SmallTraining Half(string precision)
    {
        SmallTraining training = new();
        training.Config = training.Config with { Trainer = training.Config.Trainer with { Precision = precision } };
        return training;
    }
}
