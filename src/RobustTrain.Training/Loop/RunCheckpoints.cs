using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Epochs;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loop;

/// <summary>When checkpoints of a run are taken, and how a training comes back to one.</summary>
/// <param name="plan">The training, or the stage of it.</param>
/// <param name="run">The run; null at all ranks but the first.</param>
/// <param name="state">What checkpoints hold.</param>
/// <param name="journal">Is told of checkpoints, and of those that can't be used or written.</param>
/// <param name="ranks">The ranks, of which the first one writes and the others follow.</param>
/// <param name="time">The clock.</param>
internal sealed class RunCheckpoints(TrainingPlan plan, RunFolder? run, TrainingState state, IRunJournal journal, Ranks ranks, TimeProvider time) : IDisposable
{
    private readonly CheckpointConfig _config = plan.Config.Checkpoint;
    private readonly CheckpointRecorder _recorder = new(
        run is null ? null : new CheckpointStore(run.CheckpointsPath), new RetentionPolicy(plan.Config.Checkpoint), state.Parts, TaskCatalog.IdentityOf(plan.Config), run?.Record.Id ?? "", journal, time)
    { CheckRun = () => run!.CheckPresence(), Ranks = ranks, BeginsAt = plan.BeginsAt, Holds = plan.Holds };
    private readonly LedgerHistory? _ledgers = run is null ? null : new LedgerHistory(run);
    private long _last = time.GetTimestamp();

    /// <summary>Brings the state to where the latest checkpoint left it; where there is none, to the weights that the training starts from.</summary>
    /// <param name="whole">The training with all its stages.</param>
    /// <param name="isBegun">Whether this process has begun it before, with an earlier stage.</param>
    /// <exception cref="CheckpointException">The checkpoint is of another model, or all of them are damaged.</exception>
    /// <returns>Whether there was a checkpoint; of a later stage, one that it can begin or go on with.</returns>
    public bool ResumeFromLatest(TrainingPlan whole, bool isBegun)
    {
        bool resumed = _recorder.RestoreLatest();
        if (!resumed && plan.Stage.Name.Length > 0)
            return false;
        _ledgers?.GoOnAt(state.Cursor.Epoch);
        string? startedFrom = null;
        if (!resumed && plan.Config.Trainer.StartFrom is { } path)
        {
            (startedFrom, _) = plan.LoadStart(state.Learner.Model, path);
            state.Learner.Average?.Reset();
        }

        state.Loaders.Share(ranks);
        if (run is not null && !isBegun)
            TellStart(whole, run, resumed, startedFrom);
        if (plan.Stage.Name.Length > 0)
            journal.Write(new StageStarted(plan.Stage.Name, state.Cursor.Epoch, state.Cursor.GlobalStep, plan.StepsPerEpoch, plan.Stage.Settings));
        return resumed;
    }

    private void TellStart(TrainingPlan whole, RunFolder run, bool resumed, string? startedFrom)
    {
        journal.Write(new RunStarted(
            run.Record.Id, run.Path, Environment.ProcessId, whole.Epochs, plan.StepsPerEpoch, resumed ? state.Cursor.Epoch - 1 : null)
        {
            StartedFrom = startedFrom,
            FrozenParameters = state.Learner.Model.parameters().Count() - state.Learner.Learned.Count,
            Task = plan.Config.Task,
            BestMetric = plan.Config.Trainer.BestMetric,
            ScoreNames = plan.ScoreNames,
        });
        foreach (RunWarning warning in resumed ? whole.Warnings : [.. whole.Warnings, .. whole.StartWarnings])
            journal.Write(warning);
        if (run.IsResumed && !resumed)
            journal.Write(new RunWarning($"The run was begun before, but has no checkpoint in {run.CheckpointsPath}: it begins again."));
    }

    /// <summary>Takes a checkpoint within an epoch, written beside the next steps.</summary>
    public void Save()
    {
        _recorder.Save(LabelWithinEpoch());
        _last = time.GetTimestamp();
    }

    /// <summary>Takes one where so many steps, or so many seconds since the last one of any kind, have passed; none where one is still being written.</summary>
    public void SaveWhereDue()
    {
        bool isDue = (_config.EverySteps is int steps && state.Cursor.GlobalStep % steps == 0)
            || (_config.EverySeconds is double seconds && time.GetElapsedTime(_last).TotalSeconds >= seconds);
        if (isDue && _recorder.TrySave(LabelWithinEpoch()))
            _last = time.GetTimestamp();
    }

    /// <summary>Takes the checkpoint of an epoch that has just ended, to be written, with its files, beside the next steps.</summary>
    /// <returns>What became of the samples of all epochs so far.</returns>
    public LedgerTotals SaveEpoch(CheckpointLabel label, EpochRecord record)
    {
        _recorder.Save(label, () => record.Write(run!.EpochFolder(label.CompletedEpoch!.Value)));
        _last = time.GetTimestamp();
        return _ledgers?.Add(record.Ledger) ?? LedgerTotals.None;
    }

    /// <summary>Goes back to the last epoch's checkpoint before the present step. A checkpoint at this very step would not help: the same weights would meet the same batch again.</summary>
    /// <exception cref="RunException">There is none.</exception>
    public void RollBack()
    {
        if (!_recorder.RestoreEpochBefore(state.Cursor.GlobalStep, state.Progress.StageStep))
            throw ranks.FailTogether(new RunException(ExitCode.Numeric, "NoCheckpointToRollBackTo", $"{state.Guard.LastFailure} There is no checkpoint of an epoch before it{(plan.Stage.Name.Length > 0 ? " in this stage" : "")} to go back to.", run?.Path));
        _ledgers?.GoOnAt(state.Cursor.Epoch);
    }

    /// <inheritdoc cref="CheckpointRecorder.Complete"/>
    public void Complete() => _recorder.Complete();

    /// <inheritdoc cref="CheckpointRecorder.LoadBest"/>
    public Checkpoint LoadBest(nn.Module model) => _recorder.LoadBest(model);

    /// <inheritdoc/>
    public void Dispose() => _recorder.Dispose();

    private CheckpointLabel LabelWithinEpoch() => new(state.Cursor, null, null, false);
}
