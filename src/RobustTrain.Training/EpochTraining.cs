using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Training.Epochs;
using RobustTrain.Training.Loaders;
using RobustTrain.Training.Native;
using RobustTrain.Training.Prefetching;
using RobustTrain.Training.Steps;

namespace RobustTrain.Training;

/// <summary>Trains on an epoch's batches, and keeps the account of where the training is.</summary>
/// <param name="plan">How many batches there are.</param>
/// <param name="loaders">Give the batches.</param>
/// <param name="step">Trains on them.</param>
/// <param name="progress">Keeps the cursor.</param>
/// <param name="ledger">Keeps the account of the samples.</param>
/// <param name="watchdog">Watches how long a step takes.</param>
/// <param name="control">Says where to stop.</param>
internal sealed class EpochTraining(
    TrainingPlan plan, RunLoaders loaders, TrainingStep step, TrainingProgress progress, LedgerPart ledger, StepWatchdog watchdog, TrainingControl control)
{
    private EpochStream? _stream;
    private EpochLedger? _pendingLedger;

    /// <summary>What the last batch has led to.</summary>
    public StepVerdict Verdict { get; set; }

    /// <summary>Whether the last batch has led to a state from which the training can't just go on.</summary>
    public bool MustRecover => Verdict is StepVerdict.BeginAgain or StepVerdict.RollBack;

    /// <summary>The epoch's stream of batches.</summary>
    public EpochStream Stream => _stream ?? throw new InvalidOperationException("No epoch has begun.");

    /// <summary>The epoch's batches from the cursor on; they end early where a stop is asked for.</summary>
    public IEnumerable<IBatch> RemainingBatches(EpochMeter meter)
    {
        using EpochStream stream = loaders.Training.Open(progress.Cursor.Epoch, progress.Cursor.Batch, ledger.Current, control.Stopping);
        _stream = stream;
        foreach (IBatch batch in meter.Timed(loaders.Ahead(control.UntilStopped(stream), stream)))
            yield return batch;
        if (!control.IsStopRequested)
            EndEpoch(stream, meter);
    }

    /// <summary>Trains on a batch.</summary>
    public void TrainOn(IBatch batch, EpochMeter meter)
    {
        if (step.EndsBefore(batch))
            CompletePending(meter);
        if (MustRecover)
            return;
        watchdog.Begin();
        StepResult result = step.Take(batch, progress.Cursor);
        watchdog.End();
        _pendingLedger = Prefetcher.LedgerAfter(batch, Stream);
        Account(result, meter);
        StepMemory.Collect();
    }

    private void CompletePending(EpochMeter meter)
    {
        watchdog.Begin();
        StepResult? result = step.CompletePending();
        watchdog.End();
        if (result is StepResult completed)
            Account(completed, meter);
    }

    private void Account(StepResult result, EpochMeter meter)
    {
        Verdict = result.Verdict;
        if (Verdict != StepVerdict.Complete)
            return;
        TrainingCursor before = progress.Cursor;
        progress.Add(result);
        ledger.Update(_pendingLedger!);
        meter.Add(before, result);
    }

    // Batches whose samples were all skipped never come; where they are the last ones, nothing else tells that the epoch is over.
    private void EndEpoch(EpochStream stream, EpochMeter meter)
    {
        CompletePending(meter);
        if (MustRecover || progress.Cursor.Batch == plan.BatchCount)
            return;
        progress.ReachEnd(plan.BatchCount);
        ledger.Update(stream.Ledger);
    }
}
