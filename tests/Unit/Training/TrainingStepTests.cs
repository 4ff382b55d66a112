using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>The step by itself, on a network whose memory can be made as small as a test needs.</summary>
[Collection(TorchCollection.Name)]
public sealed class TrainingStepTests
{
    private static readonly TrainingConfig Config = new()
    {
        Seed = 3,
        Model = new ModelConfig { BaseChannels = 2 },
        Loader = new LoaderOptions { BatchSize = 6, NumWorkers = 0 },
        Optimizer = new OptimizerConfig { Name = "sgd", LearningRate = 0.1, Momentum = 0, WeightDecay = 0 },
        Schedule = new ScheduleConfig { Name = "constant" },
    };

    [Fact]
    public void A_batch_that_does_not_fit_is_computed_in_parts_with_the_same_result()
    {
        using Bench whole = new(Config);
        using Bench parts = new(Config, fits: 2);
        Assert.Equal(StepVerdict.Complete, whole.Take().Verdict);

        Assert.Equal(StepVerdict.Retry, parts.Take().Verdict);
        Assert.Equal(StepVerdict.Retry, parts.Take().Verdict);
        Assert.Equal(StepVerdict.Complete, parts.Take().Verdict);

        Assert.Equal([3, 2], parts.Journal.Of<MicroBatchHalved>().Select(halved => halved.SamplesAtOnce));
        AssertClose(whole.Weight, parts.Weight);
    }

    [Fact]
    public void Where_not_even_one_sample_fits_it_says_so()
    {
        using Bench bench = new(Config, fits: 0);
        RunException failed = Assert.Throws<RunException>(() =>
        {
            while (bench.Take().Verdict == StepVerdict.Retry)
            {
            }
        });
        Assert.Equal((ExitCode.OutOfMemory, "OutOfMemory"), (failed.ExitCode, failed.ErrorId));
        Assert.Contains("even one sample at once in step 0 (epoch 0, batch 0)", failed.Message);
    }

    [Fact]
    public void Where_the_optimiser_finds_no_memory_nothing_begins_again_with_weights_changed_in_part()
    {
        using Bench bench = new(Config, optimizer: parameters => new HungryOptimizer(parameters));
        RunException failed = Assert.Throws<RunException>(() => bench.Take());
        Assert.Equal(ExitCode.OutOfMemory, failed.ExitCode);
        Assert.Contains("the optimiser in step 0 (epoch 0)", failed.Message);
        Assert.Empty(bench.Journal.Of<MicroBatchHalved>());
    }

    [Fact]
    public void Where_the_policy_is_to_fail_nothing_is_split()
    {
        using Bench bench = new(Config with { Numerics = new NumericsConfig { OnOutOfMemory = "fail" } }, fits: 2);
        RunException failed = Assert.Throws<RunException>(() => bench.Take());
        Assert.Equal(ExitCode.OutOfMemory, failed.ExitCode);
        Assert.Contains("with 6 samples at once", failed.Message);
    }

    [Fact]
    public void Accumulated_batches_make_the_step_of_one_large_batch()
    {
        using Bench large = new(Config);
        using Bench small = new(Config with { Loader = Config.Loader with { BatchSize = 2 }, Trainer = Config.Trainer with { Accumulate = 3 } });
        StepResult expected = large.Take();

        Assert.Equal(StepVerdict.Accumulated, small.Take(0).Verdict);
        Assert.Equal(StepVerdict.Accumulated, small.Take(1).Verdict);
        StepResult actual = small.Take(2);
        Assert.Equal((StepVerdict.Complete, 6, 3), (actual.Verdict, actual.Samples, actual.Batches));
        Assert.Equal(expected.Loss, actual.Loss, 5);
        AssertClose(large.Weight, small.Weight);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(1, 2, 4)]
    public void A_step_of_which_samples_were_skipped_is_the_mean_over_those_that_came(params int[] bad)
    {
        using Bench large = new(Config, bad: bad);
        using Bench small = new(Config with { Loader = Config.Loader with { BatchSize = 2 }, Trainer = Config.Trainer with { Accumulate = 3 } }, bad: bad);
        StepResult expected = large.Take();

        Assert.Equal(StepVerdict.Accumulated, small.Take(0).Verdict);
        Assert.Equal(StepVerdict.Accumulated, small.Take(1).Verdict);
        StepResult actual = small.Take(2);
        Assert.Equal((StepVerdict.Complete, 6 - bad.Length), (actual.Verdict, actual.Samples));
        Assert.Equal(expected.Loss, actual.Loss, 5);
        AssertClose(large.Weight, small.Weight);
    }

    [Fact]
    public void A_step_whose_last_batch_never_came_is_completed_without_it()
    {
        using Bench large = new(Config, bad: [4, 5]);
        using Bench small = new(Config with { Loader = Config.Loader with { BatchSize = 2 }, Trainer = Config.Trainer with { Accumulate = 3 } }, bad: [4, 5]);
        large.Take();

        Assert.Null(small.CompletePending());
        small.Take(0);
        small.Take(1);
        StepResult completed = small.CompletePending()!.Value;
        Assert.Equal((StepVerdict.Complete, 4, 2, 2), (completed.Verdict, completed.Samples, completed.Batches, completed.NextBatch));
        AssertClose(large.Weight, small.Weight);
    }

    [Fact]
    public void A_gradient_beyond_the_norm_is_scaled_down_to_it()
    {
        using Bench free = new(Config);
        using Bench clipped = new(Config with { Trainer = Config.Trainer with { ClipNorm = 1e-3 } });
        float[] start = free.Weight;
        free.Take();
        clipped.Take();

        double freely = Distance(start, free.Weight);
        Assert.True(freely > 0.1 * 1e-3 * 1.01, $"The gradient's norm {freely / 0.1} is within the bound, so that nothing is tested.");
        Assert.Equal(0.1 * 1e-3, Distance(start, clipped.Weight), 7);
    }

    [Fact]
    public void The_values_of_a_gradient_are_cut()
    {
        using Bench bench = new(Config with { Trainer = Config.Trainer with { ClipValue = 1e-4 } });
        float[] start = bench.Weight;
        bench.Take();
        double[] changes = [.. start.Zip(bench.Weight, (before, after) => Math.Abs((double)before - after))];
        Assert.Equal(0.1 * 1e-4, changes.Max(), 7);
    }

    [Fact]
    public void The_first_layer_with_a_value_that_is_not_finite_is_named()
    {
        using Bench bench = new(Config, breaks: true);
        RunException failed = Assert.Throws<RunException>(() => bench.Take());
        Assert.Contains("the first layer whose output is not finite is 'second'", failed.Message);
    }

    [Fact]
    public void Weights_that_are_not_finite_before_the_step_are_named()
    {
        using Bench bench = new(Config);
        bench.Fill(float.NaN);
        Assert.Contains("the weights 'first.weight' are not finite before the step", Assert.Throws<RunException>(() => bench.Take()).Message);
    }

    private static void AssertClose(float[] expected, float[] actual) =>
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 5));

    private static double Distance(float[] left, float[] right) => Math.Sqrt(left.Zip(right, (a, b) => Math.Pow((double)a - b, 2)).Sum());

    /// <summary>A step with its parts. The network has no batch normalisation, so that a batch's parts add up to it.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly TinyModel _model;
        private readonly Learner _learner;
        private readonly TrainingStep _step;
        private readonly ITrainingLoss _loss;
        private readonly List<TrainingBatch> _batches = [];
        private readonly PrefetchLoader _loader;

        public Bench(TrainingConfig config, int fits = int.MaxValue, bool breaks = false, int[]? bad = null, Func<IEnumerable<Parameter>, OptimizerHelper>? optimizer = null)
        {
            TrainingPlan plan = TrainingPlan.Create(config, new DataSplits(new SquaresDataset(6) { OnLoad = Refuse }, new SquaresDataset(1), new SquaresDataset(1)));
            _model = new TinyModel(fits, breaks ? features => features * float.MaxValue : null);
            (string Name, Parameter Parameter)[] learned = ParameterFreezing.Apply(_model, []);
            optimizer ??= parameters => OptimizerFactory.Create(config.Optimizer, parameters);
            _learner = new Learner(_model, learned, optimizer(learned.Select(named => named.Parameter)), null);
            _loader = new PrefetchLoader(plan.Data.Training, new LoaderOptions
            {
                BatchSize = config.Loader.BatchSize, NumWorkers = 0, PrefetchQueueLength = 4, OnBadSample = BadSamplePolicy.Skip, MaxSkipped = 6,
            });
            _loss = plan.Task.CreateLossSetup().Create(_loader, CPU);
            _step = new TrainingStep(plan, _learner, _loss, new NumericGuard(config.Numerics, Journal), new MicroBatchSize(), new LossScale(isUsed: false), Journal);
            using EpochStream stream = _loader.Open(0);
            while (stream.MoveNext())
                _batches.Add(TrainingBatch.InLoaderMemory(stream.Current, plan.Task.Fields, CPU, stream.Ledger));

            void Refuse(SampleKey key)
            {
                if (bad?.Contains(key.Index) == true)
                    throw new SampleException("The file is torn.", "torn.png");
            }
        }

        public MemoryJournal Journal { get; } = new();

        public float[] Weight => _model.parameters().SelectMany(parameter => parameter.detach().data<float>().ToArray()).ToArray();

        public StepResult Take(int batch = 0) => _step.Take(_batches[batch], TrainingCursor.Start);

        public StepResult? CompletePending() => _step.CompletePending();

        public void Fill(float value)
        {
            using IDisposable noGrad = no_grad();
            _model.parameters().First().fill_(value);
        }

        public void Dispose()
        {
            _batches.ForEach(batch => batch.Dispose());
            _loader.Dispose();
            _step.Dispose();
            _loss.Dispose();
            _learner.Dispose();
        }
    }

    private sealed class HungryOptimizer(IEnumerable<Parameter> parameters) : SGD(parameters, 0.1)
    {
        public override Tensor? step(Func<Tensor>? closure = null) => throw new OutOfMemoryException("as if");
    }
}
