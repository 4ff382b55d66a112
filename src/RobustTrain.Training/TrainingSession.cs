using System.Diagnostics.CodeAnalysis;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Runs.Configuration;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Criteria;
using RobustTrain.Training.Epochs;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Loaders;
using RobustTrain.Training.Models;
using RobustTrain.Training.Numerics;
using RobustTrain.Training.Optimizers;
using RobustTrain.Training.Native;
using RobustTrain.Training.Selection;
using RobustTrain.Training.Steps;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training;

/// <summary>The parts of one training at work, and what the loop in <see cref="Trainer"/> does with them.</summary>
internal sealed class TrainingSession : IDisposable
{
    /// <summary>The file, in the run's folder, of the test's scores.</summary>
    public const string TestFile = "test.json";

    private readonly TrainingPlan _plan;
    private readonly RunFolder _run;
    private readonly IRunJournal _journal;
    private readonly TrainingControl _control;
    private readonly TimeProvider _time;
    private readonly IDisposable?[] _modes;
    private readonly ChangeDetectionModel _model;
    private readonly (string Name, Parameter Parameter)[] _learned;
    private readonly OptimizerHelper _optimizer;
    private readonly WeightAverage? _average;
    private readonly RunLoaders _loaders;
    private readonly LedgerPart _ledger = new();
    private readonly LedgerHistory _pastLedgers;
    private readonly EvaluationPass _evaluation;
    private readonly TrainingProgress _progress = new();
    private readonly BestModelSelector _selector;
    private readonly NumericGuard _guard;
    private readonly MicroBatchSize _microBatch = new();
    private readonly ClassDistributionPart _distribution = new();
    private readonly CheckpointRecorder _checkpoints;
    private readonly CheckpointTimer _checkpointTimer;
    private readonly StepWatchdog _watchdog;
    private Criterion? _criterion;
    private TrainingStep? _step;
    private EpochTraining? _epoch;

    private TrainingSession(TrainingPlan plan, RunFolder run, IRunJournal journal, TrainingControl control, TimeProvider time)
    {
        TrainerConfig config = plan.Config.Trainer;
        _plan = plan;
        _run = run;
        _pastLedgers = new LedgerHistory(run);
        _journal = journal;
        _control = control;
        _time = time;
        _modes = [config.Deterministic ? DeterministicMode.Begin() : null, config.DetectAnomaly ? autograd.detect_anomaly() : null];
        _model = plan.CreateModel();
        _learned = ParameterFreezing.Apply(_model, config.Freeze);
        _optimizer = OptimizerFactory.Create(plan.Config.Optimizer, _learned.Select(named => named.Parameter));
        _average = config.EmaDecay is double decay ? new WeightAverage(_model, decay) : null;
        _loaders = new RunLoaders(plan, run, journal, () => Cursor);
        _evaluation = new EvaluationPass(plan.Config, plan.Device, _loaders.Evaluation, journal, time);
        _selector = new BestModelSelector(plan.CreateOrder(), plan.Config.Selection.Patience);
        _guard = new NumericGuard(plan.Config.Numerics, journal);
        ICheckpointPart?[] parts =
        [
            new WeightsPart(_model), _average, new OptimizerPart(_optimizer, [.. _learned.Select(named => named.Name)]),
            _progress, _ledger, _loaders.Quarantine, _selector, _guard, _microBatch, _distribution,
        ];
        _checkpoints = new CheckpointRecorder(
            new CheckpointStore(run.CheckpointsPath), new RetentionPolicy(plan.Config.Checkpoint), [.. parts.OfType<ICheckpointPart>()],
            ModelIdentity.Of(plan.Config.Model), run.Record.Id, journal, time)
        { CheckRun = run.CheckPresence };
        _checkpointTimer = new CheckpointTimer(plan.Config.Checkpoint, time);
        _watchdog = new StepWatchdog(config.StepTimeoutSeconds is double seconds ? TimeSpan.FromSeconds(seconds) : null, ReportStuckStep, time);
    }

    /// <summary>Whether nothing is left but the test.</summary>
    public bool AllEpochsAreDone => Cursor.Epoch >= _plan.Config.Trainer.Epochs || _progress.EndsEarly;

    /// <summary>Whether the last batch has led to a state from which the training can't just go on.</summary>
    public bool MustRecover => Epoch.MustRecover;

    private TrainingCursor Cursor => _progress.Cursor;

    private EpochTraining Epoch => _epoch ?? throw new InvalidOperationException("The training has not begun.");

    private TrainingStep Step => _step ?? throw new InvalidOperationException("The training has not begun.");

    /// <summary>Builds the parts.</summary>
    /// <exception cref="RunException">The network doesn't fit into memory.</exception>
    public static TrainingSession Open(TrainingPlan plan, RunFolder run, IRunJournal journal, TrainingControl control, TimeProvider time)
    {
        set_num_threads(plan.Threads);
        try
        {
            return new TrainingSession(plan, run, journal, control, time);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            throw TorchFailure.OutOfMemory("the network and its optimiser; make model.base_channels smaller", failed);
        }
    }

    /// <summary>Brings every part to where the latest checkpoint left it; where there is none, to the beginning.</summary>
    public void GoOnFromLatestCheckpoint()
    {
        bool resumed = _checkpoints.RestoreLatest();
        _pastLedgers.GoOnAt(Cursor.Epoch);
        string? startedFrom = null;
        if (!resumed && _plan.Config.Trainer.StartFrom is { } path)
        {
            startedFrom = StartingWeights.Load(_model, path);
            _average?.Reset();
        }

        _journal.Write(new RunStarted(
            _run.Record.Id, _run.Path, Environment.ProcessId, _plan.Config.Trainer.Epochs, _plan.StepsPerEpoch, resumed ? Cursor.Epoch - 1 : null)
        { StartedFrom = startedFrom, FrozenParameters = _model.parameters().Count() - _learned.Length });
        foreach (RunWarning warning in _plan.Warnings)
            _journal.Write(warning);
        if (_run.IsResumed && !resumed)
            _journal.Write(new RunWarning($"The run was begun before, but has no checkpoint in {_run.CheckpointsPath}: it begins again."));

        if (CriterionCatalog.NeedsClassDistribution(_plan.Config.Criterion))
            _distribution.CountWhereUnknown(_plan, _loaders.Training);
        _criterion = CriterionCatalog.Create(_plan.Config.Criterion, _plan.Config.Model.Classes, _plan.Device, _distribution.Value);
        _step = new TrainingStep(_plan, _model, _learned, _optimizer, _criterion, _average, _guard, _microBatch, _journal);
        _epoch = new EpochTraining(_plan, _loaders, _step, _progress, _ledger, _watchdog, _control);
        if (!resumed && _plan.Config.Numerics.OnFailure == "rollback")
            SaveWithinEpoch();
    }

    /// <summary>Begins the epoch at the cursor, or goes on with it.</summary>
    public EpochMeter BeginEpoch()
    {
        _journal.Write(new EpochStarted(Cursor.Epoch, Step.LearningRateAt(Cursor.GlobalStep)));
        return new EpochMeter(_journal, TimeSpan.FromSeconds(_plan.Config.Trainer.LogIntervalSeconds), _time);
    }

    /// <inheritdoc cref="EpochTraining.RemainingBatches"/>
    public IEnumerable<IBatch> RemainingBatches(EpochMeter meter) => Epoch.RemainingBatches(meter);

    /// <inheritdoc cref="EpochTraining.TrainOn"/>
    public void TrainOn(IBatch batch, EpochMeter meter) => Epoch.TrainOn(batch, meter);

    /// <summary>Takes a checkpoint, written beside the next steps, where one is due or has been asked for.</summary>
    public void SaveWhereDue()
    {
        if (Epoch.Verdict != StepVerdict.Complete)
            return;
        if (_control.TakeCheckpointRequest())
            SaveWithinEpoch();
        else if (_checkpointTimer.IsDue(Cursor.GlobalStep) && _checkpoints.TrySave(LabelWithinEpoch()))
            _checkpointTimer.Restart();
    }

    /// <summary>Brings the training back to a state from which it can go on: the beginning of the step, or the last epoch's checkpoint.</summary>
    public void Recover()
    {
        Step.Abandon();
        if (Epoch.Verdict == StepVerdict.RollBack)
            _guard.KeepThrough(RollBack);
        Epoch.Verdict = StepVerdict.Complete;
    }

    /// <summary>Validates where it is due.</summary>
    /// <returns>False where a stop came in between: then nothing has been decided.</returns>
    public bool TryValidate(out EvaluationResult? validation)
    {
        bool isDue = (Cursor.Epoch + 1) % _plan.Config.Trainer.ValidateEvery == 0 || Cursor.Epoch + 1 == _plan.Config.Trainer.Epochs;
        validation = null;
        if (!isDue)
            return true;

        _average?.Swap();
        bool done = TryEvaluate(DatasetSplit.Val, _plan.Data.Validation, out validation);
        validation = validation?.Of(_plan.Data.ValidationSets);
        _average?.Swap();
        return done;
    }

    /// <summary>Takes the epoch's checkpoint, to be written with its files beside the next steps, and says that the epoch is complete.</summary>
    public void CompleteEpoch(EvaluationResult? validation, EpochMeter meter)
    {
        int epoch = Cursor.Epoch;
        double trainLoss = _progress.MeanLoss;
        double learningRate = _progress.LearningRates is [.., double last] ? last : Step.LearningRateAt(Cursor.GlobalStep);
        bool isBest = validation is not null && _selector.Consider(epoch, validation.Scores);
        _progress.EndsEarly = validation is not null && _selector.IsPatienceOver(epoch) && epoch + 1 < _plan.Config.Trainer.Epochs;

        EpochRecord record = EpochRecord.Of(_progress, validation, _ledger.Close());
        _progress.BeginNextEpoch();
        _checkpoints.Save(new CheckpointLabel(Cursor, epoch, validation?.Scores, isBest), () => record.Write(_run.EpochFolder(epoch)));
        _checkpointTimer.Restart();
        _journal.Write(new EpochFinished(
            epoch, trainLoss, validation?.Scores, isBest, learningRate, meter.SamplesPerSecond, meter.DataWaitShare, meter.DurationSeconds)
        { Loader = LoaderJournal.FiguresOf(Epoch.Stream, _plan.TrainingLoaderOptions.WorkerKind), LedgerTotals = _pastLedgers.Add(record.Ledger) });
        if (_progress.EndsEarly)
            _journal.Write(new StoppedEarly(epoch, _selector.Best!.Epoch, _plan.Config.Selection.Patience!.Value));
    }

    /// <summary>Tests the best epoch's weights, unless an earlier attempt at the run has done so.</summary>
    /// <returns>False where a stop came in between.</returns>
    /// <exception cref="CheckpointException">The disk still refuses what was to be saved.</exception>
    public bool TryTest([NotNullWhen(true)] out IReadOnlyDictionary<string, double>? scores)
    {
        _checkpoints.Complete();
        string path = Path.Combine(_run.Path, TestFile);
        if (ScoreDocument.TryRead(path) is { } done)
        {
            scores = done.Aggregated;
            _journal.Write(new TestFinished(done.Epoch, done.Aggregated));
            return true;
        }

        Checkpoint best = _checkpoints.LoadBest(_model);
        if (!TryEvaluate(DatasetSplit.Test, _plan.Data.Test, out EvaluationResult? test))
        {
            scores = null;
            return false;
        }

        scores = test.Scores;
        int epoch = best.Manifest.CompletedEpoch ?? best.Manifest.Cursor.Epoch;
        _run.CheckPresence();
        ScoreDocument.Of(epoch, test).Write(path);
        _journal.Write(new TestFinished(epoch, test.Scores));
        return true;
    }

    /// <summary>Leaves a checkpoint to go on from.</summary>
    /// <exception cref="CheckpointException">The disk refuses it.</exception>
    public TrainingOutcome Stop()
    {
        // Between two epochs the last one's checkpoint is the one to go on from; after the last, the weights may be the best epoch's already.
        _step?.Abandon();
        if (Cursor.Batch > 0 || Cursor == TrainingCursor.Start)
            SaveWithinEpoch();
        _checkpoints.Complete();
        return new TrainingOutcome(ExitCode.Stopped, null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watchdog.Dispose();
        _checkpoints.Dispose();
        _loaders.Dispose();
        _step?.Dispose();
        _criterion?.Dispose();
        _optimizer.Dispose();
        _average?.Dispose();
        _model.Dispose();
        foreach (IDisposable? mode in _modes)
            mode?.Dispose();
    }

    private CheckpointLabel LabelWithinEpoch() => new(Cursor, null, null, false);

    private void SaveWithinEpoch()
    {
        _checkpoints.Save(LabelWithinEpoch());
        _checkpointTimer.Restart();
    }

    // From a checkpoint at the very step the same weights would meet the same batch again, whatever the learning rate.
    private void RollBack()
    {
        if (!_checkpoints.RestoreEpochBefore(Cursor.GlobalStep))
            throw new RunException(ExitCode.Numeric, "NoCheckpointToRollBackTo", $"{_guard.LastFailure} There is no checkpoint of an epoch before it to go back to.", _run.Path);
        _pastLedgers.GoOnAt(Cursor.Epoch);
    }

    private void ReportStuckStep()
    {
        string message = FormattableString.Invariant(
            $"Step {Cursor.GlobalStep} (epoch {Cursor.Epoch}, batch {Cursor.Batch}) has not ended within {_plan.Config.Trainer.StepTimeoutSeconds} s (trainer.step_timeout_seconds).");
        _journal.Write(new RunWarning(message));
        _control.ReportStuck(message);
    }

    private bool TryEvaluate(DatasetSplit split, IDataset dataset, [NotNullWhen(true)] out EvaluationResult? result)
    {
        try
        {
            result = _evaluation.Run(_model, Cursor.Epoch, SplitNames.Of(split), dataset, _control.Stopping);
            return true;
        }
        catch (OperationCanceledException) when (_control.IsStopRequested)
        {
            result = null;
            return false;
        }
    }
}
