using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Tests.Training.Distributed;

/// <summary>A training that is cut into shards has the same bits on any number of ranks that divides them.</summary>
[Collection(TorchCollection.Name)]
public sealed class ShardedTrainingTests : IDisposable
{
    private readonly List<SmallTraining> _trainings = [];

    public static TheoryData<string> Kinds => ["plain", "accumulate", "micro_batch", "bf16", "average", "adversary", "classes weighed by the data"];

    public void Dispose() => _trainings.ForEach(training => training.Dispose());

    [Theory]
    [MemberData(nameof(Kinds))]
    public void All_numbers_of_ranks_end_with_the_same_bits(string kind)
    {
        IReadOnlyDictionary<string, string> alone = FinalStateOn(1, () => Make(4, kind));
        Assert.Equal(alone, FinalStateOn(2, () => Make(4, kind)));
        Assert.Equal(alone, FinalStateOn(4, () => Make(4, kind)));
    }

    [Fact]
    public void A_number_of_shards_that_is_no_power_of_2_has_the_same_bits_on_1_2_3_and_6_ranks()
    {
        IReadOnlyDictionary<string, string> alone = FinalStateOn(1, () => Make(6));
        Assert.Equal(alone, FinalStateOn(2, () => Make(6)));
        Assert.Equal(alone, FinalStateOn(3, () => Make(6)));
        Assert.Equal(alone, FinalStateOn(6, () => Make(6)));
    }

    [Fact]
    public void Stopped_on_2_ranks_it_goes_on_on_4_and_on_1_with_the_same_bits()
    {
        // Each stop may be heard of a step late; 9 steps are enough for all.
        SmallTraining Longer()
        {
            SmallTraining longer = Make(4);
            longer.Config = longer.Config with { Trainer = longer.Config.Trainer with { Epochs = 3 } };
            return longer;
        }

        IReadOnlyDictionary<string, string> untouched = FinalStateOn(1, Longer);
        SmallTraining training = Longer();
        training.RunStepsOn(2, steps: 2, asked: 1);
        training.RunStepsOn(4, steps: 1, asked: 0);
        training.RunStepsOn(4, steps: 1, asked: 3);
        training.RunStepsOn(1, steps: 1);
        Assert.All(training.RunOn(2), outcome => Assert.Equal(ExitCode.Finished, outcome.ExitCode));
        Assert.Equal(untouched, training.FinalState());
    }

    [Fact]
    public void A_training_in_stages_has_the_same_bits_on_1_2_and_4_ranks()
    {
        SmallTraining Staged()
        {
            SmallTraining training = Make(4);
            training.Config = ConfigurationReader.With(
                training.Config with { Trainer = training.Config.Trainer with { Epochs = 3 } },
                ["stages.epoch-1={criterion.name: focal-dice, loader.batch_size: 5, trainer.freeze: [conv11*]}", "stages.epoch-2={optimizer.name: sgd, trainer: {freeze: [], ema_decay: 0.9}}"]);
            return training;
        }

        MemoryJournal journal = new();
        SmallTraining alone = Staged();
        alone.RunOn(1, journal);
        Assert.Equal(["epoch-1", "epoch-2"], journal.Of<StageStarted>().Select(stage => stage.Stage));
        Assert.Equal(alone.FinalState(), FinalStateOn(2, Staged));
        Assert.Equal(alone.FinalState(), FinalStateOn(4, Staged));
    }

    [Fact]
    public void A_sample_that_is_skipped_makes_its_shard_smaller_and_the_bits_are_the_same()
    {
        SmallTraining Torn()
        {
            SmallTraining training = Make(4);
            training.Config = training.Config with { Loader = training.Config.Loader with { OnBadSample = BadSamplePolicy.Skip, MaxSkipped = 5 } };
            training.Data = training.Data with { Training = new SquaresDataset(22) { OnLoad = key => Tear(key, 3, 8, 9) } };
            return training;
        }

        SmallTraining alone = Torn();
        alone.RunOn(1);
        MemoryJournal journal = new();
        SmallTraining shared = Torn();
        shared.RunOn(4, journal);

        Assert.Equal(alone.FinalState(), shared.FinalState());
        Assert.Equal([3, 8, 9], journal.Of<LoaderChanged>().Where(happened => happened.Kind == "sample_skipped" && happened.Epoch == 0).Select(happened => happened.SampleIndex!.Value).Order());
        Assert.All(journal.Of<EpochFinished>(), epoch => Assert.Equal((19, 3), (epoch.Loader!.Delivered, epoch.Loader.Skipped)));
        Assert.All(journal.Events, happened => Assert.InRange(happened.Rank!.Value, 0, 3));
    }

    [Fact]
    public void A_file_that_one_rank_has_found_damaged_no_rank_tries_again_and_a_run_that_goes_on_neither()
    {
        SmallTraining Torn(List<SampleKey> tried)
        {
            SmallTraining training = Make(4);
            training.Config = training.Config with { Loader = training.Config.Loader with { OnBadSample = BadSamplePolicy.Skip, MaxSkipped = 5, NumWorkers = 0, QuarantinePath = $"{training.RunPath}-quarantine.json" } };
            training.Data = training.Data with
            {
                Training = new SquaresDataset(22)
                {
                    OnLoad = key =>
                    {
                        lock (tried)
                            tried.Add(key);
                        if (key.Index is 3 or 8 or 9)
                            throw new SampleException($"The file of {key.Index} is torn.", $"{key.Index}.png") { IsOfFile = true };
                    },
                },
            };
            return training;
        }

        List<SampleKey> tried = [];
        SmallTraining alone = Torn([]);
        alone.RunOn(1);
        SmallTraining shared = Torn(tried);
        shared.RunStepsOn(4, steps: 2, asked: 2);
        shared.RunStepsOn(2, steps: 2, asked: 0);
        shared.RunOn(1);

        Assert.Equal(alone.FinalState(), shared.FinalState());
        Assert.DoesNotContain(tried, key => key.Epoch == 1 && key.Index is (3 or 8 or 9));
    }

    [Fact]
    public void A_batch_whose_samples_are_all_skipped_never_was()
    {
        SmallTraining Torn()
        {
            SmallTraining training = Make(2, batchSize: 2);
            training.Config = training.Config with { Loader = training.Config.Loader with { OnBadSample = BadSamplePolicy.Skip, MaxSkipped = 21 }, Trainer = training.Config.Trainer with { Accumulate = 2 } };
            training.Data = training.Data with { Training = new SquaresDataset(9) { OnLoad = key => Tear(key, 0, 2, 3, 5, 6, 7) } };
            return training;
        }

        Assert.Equal(FinalStateOn(1, Torn), FinalStateOn(2, Torn));
    }

    [Fact]
    public void A_sample_that_one_rank_can_t_load_ends_all_with_3()
    {
        SmallTraining training = Make(4);
        training.Data = training.Data with { Training = new SquaresDataset(22) { OnLoad = key => Tear(key, 8) } };
        AggregateException ended = Assert.Throws<AggregateException>(() => training.RunOn(4));

        Assert.Equal(4, ended.InnerExceptions.Count);
        SampleException own = Assert.Single(ended.InnerExceptions.OfType<SampleException>());
        RunException[] others = [.. ended.InnerExceptions.OfType<RunException>()];
        Assert.All(others, other => Assert.Equal((ExitCode.Data, "SampleNotReadable"), (other.ExitCode, other.ErrorId)));
        Assert.All(others, other => Assert.Matches($"^Rank [0-3] failed: {own.Message}", other.Message));
    }

    [Fact]
    public void More_samples_than_may_be_skipped_over_all_ranks_end_all_with_3()
    {
        SmallTraining training = Make(4);
        training.Config = training.Config with { Loader = training.Config.Loader with { OnBadSample = BadSamplePolicy.Skip, MaxSkipped = 2 } };
        training.Data = training.Data with { Training = new SquaresDataset(22) { OnLoad = key => Tear(key, 3, 8, 14) } };
        AggregateException ended = Assert.Throws<AggregateException>(() => training.RunOn(4));
        Assert.Equal(4, ended.InnerExceptions.OfType<SkipBudgetException>().Count());
        Assert.All(ended.InnerExceptions, each => Assert.Contains("3 samples of epoch 0 can't be loaded, more than the 2 that may be skipped", each.Message));
    }

    [Theory]
    [InlineData("skip")]
    [InlineData("rollback")]
    public void A_loss_that_is_not_finite_at_one_rank_is_handled_by_all(string policy)
    {
        SmallTraining Poisoned()
        {
            SmallTraining training = Make(4);
            training.Config = training.Config with { Numerics = training.Config.Numerics with { OnFailure = policy, MaxFailures = 1000, RollbackFactor = 0.5 } };
            bool wasPoisoned = false;
            SquaresDataset data = null!;
            data = new SquaresDataset(22)
            {
                OnLoad = key =>
                {
                    // Once where it is rolled back: the second time it would be again.
                    if (key.Index == 5 && key.Epoch == 1)
                        (data.Poisoned, wasPoisoned) = (policy == "rollback" && wasPoisoned ? null : 5, true);
                },
            };
            training.Data = training.Data with { Training = data };
            training.Config = training.Config with { Loader = training.Config.Loader with { NumWorkers = 0 } };
            return training;
        }

        SmallTraining alone = Poisoned();
        MemoryJournal told = new();
        alone.RunOn(1, told);
        SmallTraining shared = Poisoned();
        MemoryJournal heard = new();
        shared.RunOn(4, heard);

        Assert.Equal(alone.FinalState(), shared.FinalState());
        Assert.NotEmpty(told.Of<NumericFailureHandled>());
        Assert.Equal(told.Of<NumericFailureHandled>().Select(Words), heard.Of<NumericFailureHandled>().Select(Words));

        static string Words(NumericFailureHandled failure) => $"{failure.Problem} {string.Join(", ", failure.Samples)}";
    }

    [Fact]
    public void A_stop_while_the_ranks_validate_leaves_nothing_undone()
    {
        IReadOnlyDictionary<string, string> untouched = FinalStateOn(1, () => Make(2));
        SmallTraining training = Make(2);
        using TrainingControl first = new();
        using TrainingControl second = new();
        MemoryJournal journal = new(happened =>
        {
            if (happened is EvaluationProgress)
                second.RequestStop();
        });
        IReadOnlyList<TrainingOutcome> outcomes = training.RunOn(2, journal, [first, second]);
        Assert.All(outcomes, outcome => Assert.Equal(ExitCode.Stopped, outcome.ExitCode));
        training.RunOn(2);
        Assert.Equal(untouched, training.FinalState());
    }

    [Fact]
    public void Each_epoch_tells_how_long_the_ranks_took()
    {
        MemoryJournal journal = new();
        Make(4).RunOn(2, journal);
        RanksMeasured[] measured = [.. journal.Of<RanksMeasured>()];
        Assert.Equal([0, 1], measured.Select(each => each.Epoch).Distinct());
        Assert.All(measured, each => Assert.Equal([(0, Environment.MachineName), (1, Environment.MachineName)], each.Ranks.Select(rank => (rank.Rank, rank.Host))));
        RankFigures[] figures = [.. measured.SelectMany(each => each.Ranks)];
        Assert.All(figures, rank => Assert.True(rank is { Batches: > 0, StepSeconds: > 0 }));
        Assert.Equal([(0, 6), (1, 6)], figures.GroupBy(rank => rank.Rank).Select(rank => (rank.Key, rank.Sum(each => each.Batches))).Order());
    }

    [Fact]
    public void A_batch_that_leaves_a_rank_without_samples_does_not_count_in_the_comparison_of_ranks()
    {
        // 22 samples are batches of 7, 7, 7 and 1, and the one belongs to the last shard.
        MemoryJournal journal = new();
        Make(4, batchSize: 7).RunOn(2, journal);
        Assert.Equal([(0, 6), (1, 6)], journal.Of<RanksMeasured>().SelectMany(each => each.Ranks).GroupBy(rank => rank.Rank).Select(rank => (rank.Key, rank.Sum(each => each.Batches))).Order());
    }

    [Fact]
    public void Ranks_that_do_not_divide_the_shards_are_refused_with_the_nearest_that_do()
    {
        RunException refused = Assert.Throws<RunException>(() => Ranks.Check(6, 4));
        Assert.Equal((ExitCode.Configuration, "RanksDoNotDivideShards"), (refused.ExitCode, refused.ErrorId));
        Assert.Equal("The run has 4 ranks, which do not divide trainer.shards, 6; start it with 3 or 6 ranks.", refused.Message);
        Assert.Equal("The run has 2 ranks, but trainer.shards is 1, which only one rank can compute; set trainer.shards to 2 or a multiple of it.", Assert.Throws<RunException>(() => Ranks.Check(1, 2)).Message);
        Assert.Equal("The run has 9 ranks, which do not divide trainer.shards, 8; start it with 8 ranks.", Assert.Throws<RunException>(() => Ranks.Check(8, 9)).Message);
    }

    private static void Tear(SampleKey key, params int[] torn)
    {
        if (torn.Contains(key.Index))
            throw new SampleException($"The file of {key.Index} is torn.", $"{key.Index}.png");
    }

    private IReadOnlyDictionary<string, string> FinalStateOn(int ranks, Func<SmallTraining> make)
    {
        SmallTraining training = make();
        Assert.All(training.RunOn(ranks), outcome => Assert.Equal(ExitCode.Finished, outcome.ExitCode));
        return training.FinalState();
    }

    // 22 samples in batches of 8: the last one has 6, which some shards of 4 get 1 of and others 2.
    private SmallTraining Make(int shards, string kind = "plain", int batchSize = 8)
    {
        SmallTraining training = new() { Data = new(new SquaresDataset(22), new SquaresDataset(6, salt: 1), new SquaresDataset(6, salt: 2)) };
        _trainings.Add(training);
        training.Config = training.Config with
        {
            Loader = training.Config.Loader with { BatchSize = batchSize, EvalBatchSize = 2, NumWorkers = 1 },
            Trainer = training.Config.Trainer with { Epochs = 2, Shards = shards, DriftCheckSteps = 2, ClipNorm = 0.5 },
        };
        switch (kind)
        {
            case "accumulate":
                training.Config = training.Config with { Trainer = training.Config.Trainer with { Accumulate = 2 } };
                break;
            case "micro_batch":
                training.Config = training.Config with { Trainer = training.Config.Trainer with { MicroBatch = 1 } };
                break;
            case "bf16":
                training.Config = training.Config with { Trainer = training.Config.Trainer with { Precision = "bf16" } };
                break;
            case "average":
                training.Config = training.Config with { Trainer = training.Config.Trainer with { EmaDecay = 0.9 }, Optimizer = training.Config.Optimizer with { Name = "sgd" } };
                break;
            case "classes weighed by the data":
                training.Config = training.Config with { Criterion = new CriterionConfig { Weighting = "data" } };
                break;
            case "adversary":
                training.Data = new DataSplits(new EnlargementsDataset(22), new EnlargementsDataset(3, salt: 1), new EnlargementsDataset(3, salt: 2));
                training.Config = training.Config with
                {
                    Task = "super-resolution",
                    Model = new ModelConfig { Name = "srvggnet-compact", Scale = 2, Features = 4, Blocks = 1 },
                    Criterion = new CriterionConfig { Name = "l1" },
                    Gan = new GanConfig { Loss = "vanilla", Features = 2, DiscriminatorLearningRate = 0.01, StartStep = 2 },
                    Trainer = training.Config.Trainer with { BestMetric = "psnr_y" },
                };
                break;
        }

        return training;
    }
}
