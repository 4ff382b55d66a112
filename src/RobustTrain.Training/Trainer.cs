using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Epochs;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training;

/// <summary>
/// Trains a network: epochs of steps, each epoch validated and saved, and in the end a test with the best epoch's weights.
/// Started again on the same run it goes on at the exact step of the latest checkpoint, with the same bits.
/// </summary>
/// <param name="plan">What to train, checked.</param>
/// <param name="run">The run's folder, held by this process; null at all ranks but the first, which alone writes to it.</param>
/// <param name="journal">Takes the run's events; the first rank hands it those of all.</param>
/// <param name="time">The clock; the system's where it is null.</param>
/// <param name="ranks">The processes that share the training; null for this one alone.</param>
public sealed class Trainer(TrainingPlan plan, RunFolder? run, IRunJournal journal, TimeProvider? time = null, Ranks? ranks = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Ranks _ranks = ranks ?? Ranks.Single;
    private readonly RankJournal _journal = new(journal, ranks ?? Ranks.Single);
    private bool _hasBegun;

    /// <summary>Trains to the end, or until a stop is asked for.</summary>
    /// <exception cref="RunException">The loss is not finite, memory is short, a checkpoint can't be used or written.</exception>
    /// <exception cref="SampleException">A sample can't be loaded and may not be skipped.</exception>
    public TrainingOutcome Run(TrainingControl control)
    {
        TrainerConfig config = plan.Config.Trainer;
        Ranks.Check(config.Shards, _ranks.Size);
        if (config.SynchronizedBatchNorm)
            SynchronizedNorms.Check(plan.Device, config.Shards, _ranks.Size);
        set_num_threads(plan.Threads);
        using IDisposable? deterministic = config.Deterministic ? DeterministicMode.Begin() : null;
        using IDisposable? anomaly = config.DetectAnomaly ? autograd.detect_anomaly() : null;
        RankControl requests = new(control, _ranks);
        TrainingOutcome? outcome = null;
        while (outcome is null)
            outcome = Run(plan.Stages.Count == 1 ? plan : FindStage(), requests);
        return outcome;
    }

    // Trains a stage to its end, or until a stop is asked for. Null where the stage is not the last: the next one goes on from the newest
    // checkpoint, as a process that begins does, so that it has the same bits whether or not anything came in between.
    private TrainingOutcome? Run(TrainingPlan stage, RankControl requests)
    {
        using TrainingState state = new(stage, run, _ranks, _journal);
        using RunCheckpoints checkpoints = new(stage, run, state, _journal, _ranks, _time);
        bool resumed = checkpoints.ResumeFromLatest(plan, _hasBegun);
        if (!resumed && stage.Stage.Name.Length > 0)
            return null;
        _hasBegun = true;
        using ITrainingLoss loss = state.CreateLoss(stage, _ranks);
        BatchAgreement agreement = new(_ranks, stage, _journal, requests, state.Loaders.Quarantine, _time);
        using EpochTraining epochs = new(stage, state, loss, _journal, requests, agreement, _time);
        RunEvaluation evaluation = new(stage, run, state, _journal, requests, _ranks, _time);
        if (!resumed && stage.Config.Numerics.OnFailure == "rollback")
            checkpoints.Save();
        if (!stage.IsOver(state.Cursor) && !state.Progress.EndsEarly)
            evaluation.ForgetTest();

        while (!stage.IsOver(state.Cursor) && !state.Progress.EndsEarly)
        {
            EpochMeter meter = epochs.Begin();
            foreach (TrainingBatch batch in epochs.RemainingBatches(meter))
            {
                using (batch)
                    epochs.TrainOn(batch, meter);
                if (epochs.MustRecover || requests.IsStopRequested)
                    break;
                if (epochs.IsBetweenSteps && requests.TakeCheckpointRequest())
                    checkpoints.Save();
                else if (epochs.IsBetweenSteps)
                    checkpoints.SaveWhereDue();
            }

            if (epochs.MustRecover)
                epochs.Recover(checkpoints);
            else if (requests.IsStopRequested || !evaluation.TryValidate(out EvaluationResult? validation))
                return Stop(state, checkpoints, epochs);
            else
                CompleteEpoch(stage, state, checkpoints, epochs, validation, meter);
        }

        if (stage != plan.Stages[^1])
        {
            checkpoints.Complete();
            return null;
        }

        return evaluation.TryTest(checkpoints, out IReadOnlyDictionary<string, double>? scores)
            ? new TrainingOutcome(ExitCode.Finished, scores)
            : Stop(state, checkpoints, epochs);
    }

    // Takes the epoch's checkpoint and says that the epoch is complete.
    private void CompleteEpoch(TrainingPlan stage, TrainingState state, RunCheckpoints checkpoints, EpochTraining epochs, EvaluationResult? validation, EpochMeter meter)
    {
        TrainingProgress progress = state.Progress;
        int epoch = progress.Cursor.Epoch;
        double trainLoss = progress.MeanLoss;
        double learningRate = progress.LearningRates is [.., double last] ? last : epochs.LearningRate;
        bool isBest = validation is not null && state.Selector.Consider(epoch, validation.Scores);
        progress.EndsEarly = validation is not null && state.Selector.IsPatienceOver(epoch) && !stage.IsLastEpoch(progress.Cursor);

        EpochRecord record = EpochRecord.Of(progress, validation, state.Ledger.Close());
        progress.BeginNextEpoch();
        LedgerTotals totals = checkpoints.SaveEpoch(new CheckpointLabel(progress.Cursor, epoch, validation?.Scores, isBest), record);
        _journal.Write(new EpochFinished(
            epoch, trainLoss, validation?.Scores, isBest, learningRate, meter.SamplesPerSecond, meter.DataWaitShare, meter.DurationSeconds)
        { Loader = epochs.Figures, LedgerTotals = totals, EpochWaitSeconds = meter.WaitSeconds });
        if (progress.EndsEarly)
            _journal.Write(new StoppedEarly(epoch, state.Selector.Best!.Epoch, stage.Config.Selection.Patience!.Value));
    }

    // The stage of the newest checkpoint.
    private TrainingPlan FindStage()
    {
        using CheckpointRecorder recorder = new(
            run is null ? null : new CheckpointStore(run.CheckpointsPath), new RetentionPolicy(plan.Config.Checkpoint), [], TaskCatalog.IdentityOf(plan.Config), run?.Record.Id ?? "", _journal, _time)
        { Ranks = _ranks };
        return plan.Stages[plan.StageAt(recorder.FindLatest())];
    }

    // Leaves a checkpoint to go on from. Between two epochs that is the last one's; after the last, the weights may be the best epoch's already.
    private static TrainingOutcome Stop(TrainingState state, RunCheckpoints checkpoints, EpochTraining epochs)
    {
        epochs.Abandon();
        if (state.Cursor.Batch > 0 || state.Cursor == TrainingCursor.Start)
            checkpoints.Save();
        checkpoints.Complete();
        return new TrainingOutcome(ExitCode.Stopped, null);
    }
}

/// <summary>How a training ended that did not fail.</summary>
/// <param name="ExitCode"><see cref="ExitCode.Finished"/>, or <see cref="ExitCode.Stopped"/> where it can go on from its checkpoint.</param>
/// <param name="TestScores">The aggregated scores of the test with the best checkpoint; null where it was stopped.</param>
public sealed record TrainingOutcome(ExitCode ExitCode, IReadOnlyDictionary<string, double>? TestScores);
