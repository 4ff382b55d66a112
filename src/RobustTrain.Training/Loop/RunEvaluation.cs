using System.Diagnostics.CodeAnalysis;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training.Loop;

/// <summary>Validates the epochs of a run, and tests the best one.</summary>
/// <param name="plan">The training.</param>
/// <param name="run">The run; null at all ranks but the first.</param>
/// <param name="state">The network and its loaders.</param>
/// <param name="journal">Is told how far an evaluation is.</param>
/// <param name="control">Says where to stop.</param>
/// <param name="ranks">The ranks, each of which scores its part.</param>
/// <param name="time">The clock.</param>
internal sealed class RunEvaluation(TrainingPlan plan, RunFolder? run, TrainingState state, RankJournal journal, RankControl control, Ranks ranks, TimeProvider time)
{
    /// <summary>The file, in the run's folder, of the test's scores.</summary>
    public const string TestFile = "test.json";

    private static readonly CollectivePurpose s_test = new("test", 0);

    private readonly EvaluationPass _pass = new(plan.Config, plan.Task, plan.Device, state.Loaders.Evaluation, journal, time, ranks);
    private readonly SampleDrawing _drawing = new(plan.Config, plan.Task, plan.Device, journal);

    /// <summary>Validates where it is due.</summary>
    /// <returns>False where a stop came in between: then nothing has been decided.</returns>
    public bool TryValidate(out EvaluationResult? validation)
    {
        int epoch = state.Cursor.Epoch;
        validation = null;
        if ((epoch + 1) % plan.Config.Trainer.ValidateEvery != 0 && !plan.IsLastEpoch(state.Cursor))
            return true;

        state.Learner.Average?.Swap();
        bool done = TryEvaluate(DatasetSplit.Val, plan.Data.Validation, plan.Config.Trainer.ValidationPictures, out validation);
        validation = validation?.Of(plan.Data.ValidationSets, plan.Task);
        state.Learner.Average?.Swap();
        return done;
    }

    /// <summary>Deletes the scores of a test that an earlier attempt made, since more epochs follow.</summary>
    public void ForgetTest() => ranks.FromFirst(s_test, () => File.Delete(Path.Combine(run!.Path, TestFile)));

    /// <summary>Tests the best epoch's weights, unless an earlier attempt at the run has done so.</summary>
    /// <param name="checkpoints">Where the best epoch's weights are.</param>
    /// <param name="scores">The aggregated scores.</param>
    /// <returns>False where a stop came in between.</returns>
    /// <exception cref="CheckpointException">The disk still refuses what was to be saved.</exception>
    public bool TryTest(RunCheckpoints checkpoints, [NotNullWhen(true)] out IReadOnlyDictionary<string, double>? scores)
    {
        checkpoints.Complete();
        if (ranks.FromFirst(s_test, () => ScoreDocument.TryRead(Path.Combine(run!.Path, TestFile)) is { } document ? new FinishedTest(document.Epoch, document.Aggregated) : null) is { } done)
        {
            scores = done.Scores;
            journal.Write(new TestFinished(done.Epoch, done.Scores));
            return true;
        }

        CheckpointManifest best = checkpoints.LoadBest(state.Learner.Model).Manifest;
        if (!TryEvaluate(DatasetSplit.Test, plan.Data.Test, pictures: 0, out EvaluationResult? test))
        {
            scores = null;
            return false;
        }

        scores = test.Scores;
        int epoch = best.CompletedEpoch ?? best.Cursor.Epoch;
        ranks.FromFirst(s_test, () =>
        {
            run!.CheckPresence();
            ScoreDocument.Of(epoch, test).Write(Path.Combine(run.Path, TestFile));
        });
        journal.Write(new TestFinished(epoch, test.Scores));
        return true;
    }

    private bool TryEvaluate(DatasetSplit split, IDataset dataset, int pictures, [NotNullWhen(true)] out EvaluationResult? result)
    {
        try
        {
            result = _pass.Run(state.Learner.Model, state.Cursor.Epoch, SplitNames.Of(split), dataset, control.Stopping);
            TellNews();
            if (pictures > 0 && ranks.IsFirst)
            {
                // With other ranks, which draw nothing, only what all agree on may end it.
                CancellationToken stopping = ranks.IsAlone ? control.Stopping : CancellationToken.None;
                result = result with { Pictures = ValidationPictures.Draw(_drawing, plan.Task, state.Learner.Model, dataset, result, state.Cursor.Epoch, pictures, stopping) };
            }

            return true;
        }
        catch (OperationCanceledException) when (!ranks.IsAlone || control.IsStopRequested)
        {
            control.Agree(stop: true, checkpoint: false);
            result = null;
            return false;
        }
    }

    // What loaders have met at ranks that write no journal, and what no loader is to try again.
    private void TellNews()
    {
        if (ranks.IsAlone)
            return;
        RankNews own = new() { Events = journal.Take(), Quarantined = state.Loaders.Quarantine.TakeFound() };
        IReadOnlyList<byte[]> all = ranks.Gather(own.ToBytes(), s_test);
        for (int rank = 0; rank < ranks.Size; rank++)
        {
            if (rank == ranks.Rank)
                continue;
            RankNews news = RankNews.Of(all[rank]);
            state.Loaders.Quarantine.Learn(news.Quarantined);
            foreach (RunEvent happened in news.Events)
                journal.Write(happened);
        }
    }

    private sealed record FinishedTest(int Epoch, IReadOnlyDictionary<string, double> Scores);
}
