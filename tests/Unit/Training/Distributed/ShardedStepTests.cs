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
        using StepBench whole = new(s_config with { Trainer = new TrainerConfig() }, Ranks.Single);
        using StepBench shards = new(s_config, Ranks.Single);
        StepResult expected = whole.Take();
        StepResult actual = shards.Take();
        Assert.Equal(expected.Loss, actual.Loss, 5);
        Assert.All(whole.Weights.Zip(shards.Weights), pair => Assert.Equal(pair.First, pair.Second, 5));
    }

    [Fact]
    public void A_shard_that_does_not_fit_at_one_rank_is_computed_in_parts_by_all()
    {
        using StepBench small = new(s_config with { Trainer = s_config.Trainer with { MicroBatch = 1 } }, Ranks.Single);
        small.Take();
        IReadOnlyList<float[]> weights = new ThreadRanks(2).Run(communicator =>
        {
            using StepBench bench = new(s_config, new Ranks(communicator), fits: communicator.Rank == 1 ? 1 : int.MaxValue);
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
            using StepBench bench = new(s_config, ranks, fits: communicator.Rank == 1 ? 0 : int.MaxValue);
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
            using StepBench bench = new(s_config, ranks);
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
            using StepBench bench = new(s_config, new Ranks(communicator), between: communicator.Rank == 0 ? _ => throw new NotSupportedException("as if") : null);
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
}
