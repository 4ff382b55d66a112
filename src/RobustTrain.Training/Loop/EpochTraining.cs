using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Epochs;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training.Loop;

/// <summary>Trains on an epoch's batches, and keeps the account of where the training is.</summary>
internal sealed class EpochTraining : IDisposable
{
    private readonly TrainingPlan _plan;
    private readonly TrainingState _state;
    private readonly IRunJournal _journal;
    private readonly RankControl _control;
    private readonly TimeProvider _time;
    private readonly TrainingStep _step;
    private readonly BatchAgreement _agreement;
    private readonly StepWatchdog _watchdog;
    private EpochLedger? _pendingLedger;

    /// <summary>Trains on epochs.</summary>
    /// <param name="plan">How many batches there are.</param>
    /// <param name="state">What is trained.</param>
    /// <param name="loss">What is minimised.</param>
    /// <param name="journal">Is told of steps.</param>
    /// <param name="control">Says where to stop, and is told of a step that does not end.</param>
    /// <param name="agreement">What the ranks tell each other of each batch.</param>
    /// <param name="time">The clock.</param>
    public EpochTraining(TrainingPlan plan, TrainingState state, ITrainingLoss loss, IRunJournal journal, RankControl control, BatchAgreement agreement, TimeProvider time)
    {
        _plan = plan;
        _state = state;
        _journal = journal;
        _control = control;
        _agreement = agreement;
        _time = time;
        _step = new TrainingStep(plan, state.Learner, loss, state.Guard, state.MicroBatch, state.LossScale, journal, agreement: agreement, firstStep: state.Progress.StageStep);
        _watchdog = new StepWatchdog(plan.Config.Trainer.StepTimeoutSeconds is double seconds ? TimeSpan.FromSeconds(seconds) : null, ReportStuckStep, time);
    }

    /// <summary>What the last batch has led to.</summary>
    public StepVerdict Verdict { get; private set; }

    /// <summary>Whether the last batch has led to a state from which the training can't just go on.</summary>
    public bool MustRecover => Verdict is StepVerdict.Retry or StepVerdict.RollBack;

    /// <summary>Whether the last batch has completed a step.</summary>
    public bool IsBetweenSteps => Verdict == StepVerdict.Complete;

    /// <summary>The learning rate of the next step.</summary>
    public double LearningRate => _step.LearningRateAt(_state.Cursor.GlobalStep);

    /// <summary>What the loader did in the epoch that was trained last.</summary>
    public LoaderFigures? Figures { get; private set; }

    /// <summary>Begins the epoch at the cursor, or goes on with it.</summary>
    public EpochMeter Begin()
    {
        _journal.Write(new EpochStarted(_state.Cursor.Epoch, LearningRate));
        return new EpochMeter(_journal, TimeSpan.FromSeconds(_plan.Config.Trainer.LogIntervalSeconds), _plan.Config.Trainer.Accumulate, _time);
    }

    /// <summary>The epoch's batches from the cursor on; they end early where a stop is asked for.</summary>
    public IEnumerable<TrainingBatch> RemainingBatches(EpochMeter meter)
    {
        using EpochStream stream = _state.Loaders.Training.Open(_state.Cursor.Epoch, _state.Cursor.Batch, _agreement.Ranks.IsAlone ? _state.Ledger.Current : null, _control.Stopping);
        using BatchFeed feed = _state.Loaders.Prefetcher.Open(stream, _control.Stopping);
        _agreement.BeginEpoch(_state.Cursor.Epoch, _state.Ledger.Current);
        for (int index = _state.Cursor.Batch; !_plan.HasAllSteps(_state.Cursor); index++)
        {
            meter.BeginBatch();
            if (_agreement.Next(feed, index) is not { } batch)
                break;
            meter.EndWait();
            yield return batch;
            meter.EndBatch();
        }

        if (!_control.IsStopRequested)
            EndEpoch(stream, meter);
    }

    /// <summary>Trains on a batch.</summary>
    public void TrainOn(TrainingBatch batch, EpochMeter meter)
    {
        if (_step.EndsBefore(batch))
            CompletePending(meter);
        if (MustRecover)
            return;
        _watchdog.Begin();
        StepResult result = _step.Take(batch, _state.Cursor);
        _watchdog.End();
        if (!result.IsSkipped)
            _pendingLedger = _agreement.Ledger ?? batch.Ledger;
        Account(result, meter);
        StepMemory.Collect();
    }

    /// <summary>Brings the training back to a state from which it can go on: the beginning of the step, or the last epoch's checkpoint.</summary>
    public void Recover(RunCheckpoints checkpoints)
    {
        Abandon();
        if (Verdict == StepVerdict.RollBack)
            _state.Guard.KeepThrough(checkpoints.RollBack);
        Verdict = StepVerdict.Complete;
    }

    /// <summary>Forgets a step that is not complete.</summary>
    public void Abandon() => _step.Abandon();

    /// <inheritdoc/>
    public void Dispose()
    {
        _watchdog.Dispose();
        _step.Dispose();
    }

    private void CompletePending(EpochMeter meter)
    {
        _watchdog.Begin();
        StepResult? result = _step.CompletePending();
        _watchdog.End();
        if (result is StepResult completed)
            Account(completed, meter);
    }

    private void Account(StepResult result, EpochMeter meter)
    {
        Verdict = result.Verdict;
        if (Verdict != StepVerdict.Complete)
            return;
        TrainingCursor before = _state.Cursor;
        _state.Progress.Add(result);
        _state.Ledger.Update(_pendingLedger!);
        meter.Add(before, result);
    }

    // Batches whose samples were all skipped never come; where they are the last ones, nothing else tells that the epoch is over.
    private void EndEpoch(EpochStream stream, EpochMeter meter)
    {
        CompletePending(meter);
        if (!MustRecover && _state.Cursor.Batch != _plan.BatchCount && !_plan.HasAllSteps(_state.Cursor))
        {
            _state.Progress.ReachEnd(_plan.BatchCount);
            _state.Ledger.Update(_agreement.Ledger ?? stream.Ledger);
        }

        _agreement.EndEpoch(_state.Cursor);
        Figures = LoaderJournal.FiguresOf(stream, _plan.TrainingLoaderOptions.WorkerKind, _agreement.Ledger);
    }

    private void ReportStuckStep()
    {
        TrainingCursor at = _state.Cursor;
        string message = FormattableString.Invariant(
            $"Step {at.GlobalStep} (epoch {at.Epoch}, batch {at.Batch}) has not ended within {_plan.Config.Trainer.StepTimeoutSeconds} s (trainer.step_timeout_seconds).");
        _journal.Write(new RunWarning(message));
        _control.ReportStuck(message);
    }
}
