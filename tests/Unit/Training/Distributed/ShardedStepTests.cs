using System.ComponentModel.DataAnnotations;
using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training.Distributed;

/// <summary>A step that ranks share, on a network whose memory can be made as small at one of them as a test needs.</summary>
[Collection(TorchCollection.Name)]
public sealed class ShardedStepTests
{
    private static readonly TrainingConfig s_config = new()
    {
        Seed = 3,
        Model = new ModelConfig { BaseChannels = 2 },
        Loader = new LoaderOptions { BatchSize = 8, NumWorkers = 0 },
        Optimizer = new OptimizerConfig { Name = "sgd", LearningRate = 0.1, Momentum = 0, WeightDecay = 0 },
        Schedule = new ScheduleConfig { Name = "constant" },
        Trainer = new TrainerConfig { Shards = 2, DriftCheckSteps = 1 },
    };

    [Fact]
    public void Shards_make_the_step_of_the_whole_batch_where_samples_do_not_meet()
    {
        using Bench whole = new(s_config with { Trainer = new TrainerConfig() }, Ranks.Single);
        using Bench shards = new(s_config, Ranks.Single);
        StepResult expected = whole.Take();
        StepResult actual = shards.Take();
        Assert.Equal(expected.Loss, actual.Loss, 5);
        Assert.All(whole.Weights.Zip(shards.Weights), pair => Assert.Equal(pair.First, pair.Second, 5));
    }

    [Fact]
    public void A_shard_that_does_not_fit_at_one_rank_is_computed_in_parts_by_all()
    {
        using Bench small = new(s_config with { Trainer = s_config.Trainer with { MicroBatch = 1 } }, Ranks.Single);
        small.Take();
        IReadOnlyList<float[]> weights = new ThreadRanks(2).Run(communicator =>
        {
            using Bench bench = new(s_config, new Ranks(communicator), fits: communicator.Rank == 1 ? 1 : int.MaxValue);
            Assert.Equal(StepVerdict.Retry, bench.Take().Verdict);
            Assert.Equal(StepVerdict.Retry, bench.Take().Verdict);
            Assert.Equal(StepVerdict.Complete, bench.Take().Verdict);
            Assert.Equal(1, bench.MicroBatch.Limit);
            if (communicator.Rank == 0)
                Assert.Equal([2, 1], bench.Journal.Of<MicroBatchHalved>().Select(halved => halved.SamplesAtOnce));
            return bench.Weights;
        });
        Assert.Equal(small.Weights, weights[0]);
        Assert.Equal(small.Weights, weights[1]);
    }

    [Fact]
    public void Where_not_even_one_sample_fits_at_one_rank_all_end_alike()
    {
        IReadOnlyList<bool> agreed = new ThreadRanks(2).Run(communicator =>
        {
            Ranks ranks = new(communicator);
            using Bench bench = new(s_config, ranks, fits: communicator.Rank == 1 ? 0 : int.MaxValue);
            RunException failed = Assert.Throws<RunException>(() =>
            {
                while (bench.Take().Verdict == StepVerdict.Retry)
                {
                }
            });
            Assert.Equal(ExitCode.OutOfMemory, failed.ExitCode);
            return ranks.HaveAgreedToFail;
        });
        Assert.Equal([true, true], agreed);
    }

    [Fact]
    public void Ranks_that_drift_apart_end_with_the_first_parameter_that_differs()
    {
        IReadOnlyList<RunException> failures = new ThreadRanks(2).Run(communicator =>
        {
            Ranks ranks = new(communicator);
            using Bench bench = new(s_config, ranks);
            Assert.Equal(StepVerdict.Complete, bench.Take().Verdict);
            if (ranks.Rank == 1)
                bench.FlipBit("second.weight");
            RunException failed = Assert.Throws<RunException>(() => bench.Take(step: 1));
            Assert.True(ranks.HaveAgreedToFail);
            return failed;
        });
        Assert.All(failures, failed => Assert.Equal((ExitCode.Numeric, "RanksDriftedApart"), (failed.ExitCode, failed.ErrorId)));
        Assert.All(failures, failed => Assert.StartsWith("Rank 1 does not have the weights of rank 0 any more before step 1: the first that differ are 'second.weight'.", failed.Message));
    }

    [Fact]
    public void What_goes_wrong_at_one_rank_ends_all()
    {
        AggregateException ended = Assert.Throws<AggregateException>(() => new ThreadRanks(2).Run(communicator =>
        {
            using Bench bench = new(s_config, new Ranks(communicator), breaks: communicator.Rank == 0);
            return bench.Take().Verdict;
        }));
        Assert.Equal(2, ended.InnerExceptions.Count);
        Assert.Contains(ended.InnerExceptions, own => own is NotSupportedException);
        RunException told = Assert.Single(ended.InnerExceptions.OfType<RunException>());
        Assert.Equal("Rank 0 failed: unexpected NotSupportedException: as if", told.Message);
    }

    [Fact]
    public void More_shards_than_a_batch_has_samples_are_refused()
    {
        TrainingConfig config = s_config with { Trainer = s_config.Trainer with { Shards = 9 } };
        Assert.Equal(
            "'trainer.shards' is 9, but 'loader.batch_size' is 8, and each shard takes a sample or more; it must be at most 8.",
            Assert.Single(config.Validate(new ValidationContext(config))).ErrorMessage);
    }

    /// <summary>A step with its parts at one rank.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly TinyModel _model;
        private readonly Learner _learner;
        private readonly TrainingStep _step;
        private readonly ITrainingLoss _loss;
        private readonly TrainingBatch _batch;
        private readonly PrefetchLoader _loader;

        public Bench(TrainingConfig config, Ranks ranks, int fits = int.MaxValue, bool breaks = false)
        {
            TrainingPlan plan = TrainingPlan.Create(config, new DataSplits(new SquaresDataset(8), new SquaresDataset(1), new SquaresDataset(1)));
            _model = new TinyModel(fits, breaks ? _ => throw new NotSupportedException("as if") : null);
            (string Name, Parameter Parameter)[] learned = ParameterFreezing.Apply(_model, []);
            _learner = new Learner(_model, learned, OptimizerFactory.Create(config.Optimizer, learned.Select(named => named.Parameter)), null);
            _loader = plan.OpenTrainingLoader(ranks: ranks);
            _loss = plan.Task.CreateLossSetup().Create(_loader, CPU);
            MicroBatch = new MicroBatchSize(config.Trainer.MicroBatch);
            RankJournal journal = new(Journal, ranks);
            BatchAgreement agreement = new(ranks, plan, journal, control: null, quarantine: null, TimeProvider.System);
            _step = new TrainingStep(plan, _learner, _loss, new NumericGuard(config.Numerics, journal), MicroBatch, new LossScale(isUsed: false), journal, agreement: agreement);
            agreement.BeginEpoch(0, null);
            using EpochStream stream = _loader.Open(0);
            Assert.True(stream.MoveNext());
            _batch = TrainingBatch.InLoaderMemory(stream.Current, plan.Task.Fields, CPU, stream.Ledger);
        }

        public MemoryJournal Journal { get; } = new();

        public MicroBatchSize MicroBatch { get; }

        public float[] Weights => [.. _model.parameters().SelectMany(parameter => parameter.detach().data<float>().ToArray())];

        public StepResult Take(int step = 0) => _step.Take(_batch, TrainingCursor.Start with { GlobalStep = step });

        public void FlipBit(string name)
        {
            using IDisposable noGrad = no_grad();
            Tensor weight = _model.get_parameter(name)!;
            weight.view(-1)[0] = weight.view(-1)[0] * 1.0000001f;
        }

        public void Dispose()
        {
            _batch.Dispose();
            _loader.Dispose();
            _step.Dispose();
            _loss.Dispose();
            _learner.Dispose();
        }
    }
}
