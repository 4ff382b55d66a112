using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Loop;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class ParallelEvaluationTests : IDisposable
{
    private readonly SmallTraining _sequential = new();
    private readonly SmallTraining _parallel = new();

    public ParallelEvaluationTests()
    {
        foreach (SmallTraining training in new[] { _sequential, _parallel })
        {
            training.Config = training.Config with { Loader = training.Config.Loader with { EvalBatchSize = 2 } };
            training.Data = training.Data with { Validation = new SquaresDataset(25, salt: 1), Test = new SquaresDataset(25, salt: 2) };
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(null)]
    public void Any_number_of_batches_at_once_gives_the_same_scores_in_the_same_order(int? workers)
    {
        _sequential.Run();
        _parallel.Config = _parallel.Config with { Trainer = _parallel.Config.Trainer with { EvaluationWorkers = workers } };
        var journal = new MemoryJournal();
        _parallel.Run(journal);

        Assert.Equal(_sequential.FinalState(), _parallel.FinalState());
        if (workers is int given)
            Assert.All(journal.Of<EvaluationProgress>(), progress => Assert.Equal(Math.Min(given, 3), progress.Workers));
    }

    [Fact]
    public void Stopped_while_several_batches_are_computed_it_ends_with_the_same_bits()
    {
        _sequential.Run();
        _parallel.Config = _parallel.Config with { Trainer = _parallel.Config.Trainer with { EvaluationWorkers = 3 } };
        var stops = new HashSet<(string, int)>();
        ExitCode code;
        do
        {
            using TrainingControl control = new();
            code = _parallel.Run(
                new MemoryJournal(runEvent =>
                {
                    if (runEvent is EvaluationProgress { Done: > 4 } progress && stops.Add((progress.Split, _parallel.Checkpoints.List().Count)))
                        control.RequestStop();
                }),
                control).ExitCode;
        }
        while (code == ExitCode.Stopped);

        Assert.Contains("validation", stops.Select(stop => stop.Item1));
        Assert.Equal(_sequential.FinalState(), _parallel.FinalState());
    }

    [Fact]
    public void The_first_sample_that_can_not_be_scored_is_named_whatever_is_computed_beside_it()
    {
        _parallel.Config = _parallel.Config with { Trainer = _parallel.Config.Trainer with { EvaluationWorkers = 3 } };
        _parallel.Data = _parallel.Data with { Validation = new SquaresDataset(25) { ChangedClass = 7 } };
        RunException failed = Assert.Throws<RunException>(() => _parallel.Run());
        Assert.Equal("LabelOutOfRange", failed.ErrorId);
        Assert.Contains("square 0", failed.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _sequential.Dispose();
        _parallel.Dispose();
    }
}
