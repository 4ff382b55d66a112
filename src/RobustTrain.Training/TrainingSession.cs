using System.Diagnostics.CodeAnalysis;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Criteria;
using RobustTrain.Training.Epochs;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Models;
using RobustTrain.Training.Optimizers;
using RobustTrain.Training.Selection;
using RobustTrain.Training.Steps;
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
    private readonly TimeProvider _time;
    private readonly ChangeDetectionModel _model;
    private readonly OptimizerHelper _optimizer;
    private readonly IBatchLoader _loader;
    private readonly EvaluationPass _evaluation;
    private readonly TrainingProgress _progress = new();
    private readonly BestModelSelector _selector;
    private readonly ClassDistributionPart _distribution = new();
    private readonly CheckpointRecorder _checkpoints;
    private Criterion? _criterion;
    private TrainingStep? _step;

    private TrainingSession(TrainingPlan plan, RunFolder run, IRunJournal journal, TimeProvider time)
    {
        _plan = plan;
        _run = run;
        _journal = journal;
        _time = time;
        _model = plan.CreateModel();
        (string Name, Parameter Parameter)[] learned = [.. _model.named_parameters().Select(named => (named.name, named.parameter))];
        _optimizer = OptimizerFactory.Create(plan.Config.Optimizer, learned.Select(named => named.Parameter));
        _loader = plan.OpenTrainingLoader();
        _evaluation = new EvaluationPass(plan.Config, plan.Device, journal, time);
        _selector = new BestModelSelector(plan.Config.Trainer.BestMetric);
        _checkpoints = new CheckpointRecorder(
            new CheckpointStore(run.CheckpointsPath),
            new RetentionPolicy(plan.Config.Checkpoint),
            [new WeightsPart(_model), new OptimizerPart(_optimizer, [.. learned.Select(named => named.Name)]), _progress, _selector, _distribution],
            ModelIdentity.Of(plan.Config.Model), run.Record.Id, journal, time);
    }

    /// <summary>Where the training is.</summary>
    public TrainingCursor Cursor => _progress.Cursor;

    private TrainingStep Step => _step ?? throw new InvalidOperationException("The training has not begun.");

    /// <summary>Builds the parts.</summary>
    public static TrainingSession Open(TrainingPlan plan, RunFolder run, IRunJournal journal, TimeProvider time)
    {
        set_num_threads(plan.Threads);
        return new TrainingSession(plan, run, journal, time);
    }

    /// <summary>Brings every part to where the latest checkpoint left it; where there is none, to the beginning.</summary>
    public void GoOnFromLatestCheckpoint()
    {
        bool resumed = _checkpoints.RestoreLatest();
        _journal.Write(new RunStarted(
            _run.Record.Id, _run.Path, Environment.ProcessId, _plan.Config.Trainer.Epochs, _plan.StepsPerEpoch, resumed ? Cursor.Epoch - 1 : null));

        if (CriterionCatalog.NeedsClassDistribution(_plan.Config.Criterion))
            _distribution.CountWhereUnknown(_plan, _loader);
        _criterion = CriterionCatalog.Create(_plan.Config.Criterion, _plan.Config.Model.Classes, _plan.Device, _distribution.Value);
        _step = new TrainingStep(_model, _criterion, _optimizer, _plan.CreateSchedule(), _plan, _plan.Data.Training.NameOf);
    }

    /// <summary>Begins the epoch at the cursor, or goes on with it.</summary>
    public EpochMeter BeginEpoch()
    {
        _journal.Write(new EpochStarted(Cursor.Epoch, Step.LearningRateAt(Cursor.GlobalStep)));
        return new EpochMeter(_journal, TimeSpan.FromSeconds(_plan.Config.Trainer.LogIntervalSeconds), _time);
    }

    /// <summary>The epoch's batches from the cursor on; they end early where a stop is asked for.</summary>
    public IEnumerable<IBatch> RemainingBatches(EpochMeter meter, TrainingControl control) =>
        meter.Timed(control.UntilStopped(_loader.ReadEpoch(Cursor.Epoch, Cursor.Batch, control.Stopping)));

    /// <summary>Takes a step.</summary>
    public void TrainOn(IBatch batch, EpochMeter meter)
    {
        TrainingCursor before = Cursor;
        StepResult step = Step.Run(batch, before.GlobalStep);
        _progress.Add(step);
        meter.Add(before, step);
    }

    /// <summary>Writes a checkpoint where one has been asked for.</summary>
    public void SaveWhereAskedFor(TrainingControl control)
    {
        if (control.TakeCheckpointRequest())
            SaveWithinEpoch();
    }

    /// <summary>Validates where it is due.</summary>
    /// <returns>False where a stop came in between: then nothing has been decided.</returns>
    public bool TryValidate(TrainingControl control, out EvaluationResult? validation)
    {
        bool isDue = (Cursor.Epoch + 1) % _plan.Config.Trainer.ValidateEvery == 0 || Cursor.Epoch + 1 == _plan.Config.Trainer.Epochs;
        validation = null;
        return !isDue || TryEvaluate(DatasetSplit.Val, _plan.Data.Validation, control, out validation);
    }

    /// <summary>Writes the epoch's files and its checkpoint, and says so.</summary>
    public void CompleteEpoch(EvaluationResult? validation, EpochMeter meter)
    {
        int epoch = Cursor.Epoch;
        double trainLoss = _progress.MeanLoss;
        double learningRate = _progress.LearningRates is [.., double last] ? last : Step.LearningRateAt(Cursor.GlobalStep);
        bool isBest = validation is not null && _selector.Consider(epoch, validation.Scores);

        EpochRecord.Write(_run.EpochFolder(epoch), _progress, validation);
        _progress.BeginNextEpoch();
        _checkpoints.Save(new CheckpointLabel(Cursor, epoch, validation?.Scores, isBest));
        _journal.Write(new EpochFinished(
            epoch, trainLoss, validation?.Scores, isBest, learningRate, meter.SamplesPerSecond, meter.DataWaitShare, meter.DurationSeconds));
    }

    /// <summary>Tests the best epoch's weights, unless an earlier attempt at the run has done so.</summary>
    /// <returns>False where a stop came in between.</returns>
    public bool TryTest(TrainingControl control, [NotNullWhen(true)] out IReadOnlyDictionary<string, double>? scores)
    {
        string path = Path.Combine(_run.Path, TestFile);
        if (EpochRecord.ReadScores(path) is { } done)
        {
            scores = done.Aggregated;
            _journal.Write(new TestFinished(done.Epoch, done.Aggregated));
            return true;
        }

        Checkpoint best = _checkpoints.RestoreBest(new WeightsPart(_model));
        if (!TryEvaluate(DatasetSplit.Test, _plan.Data.Test, control, out EvaluationResult? test))
        {
            scores = null;
            return false;
        }

        scores = test.Scores;
        int epoch = best.Manifest.CompletedEpoch ?? best.Manifest.Cursor.Epoch;
        EpochRecord.WriteScores(path, epoch, test);
        _journal.Write(new TestFinished(epoch, test.Scores));
        return true;
    }

    /// <summary>Leaves a checkpoint to go on from.</summary>
    public TrainingOutcome Stop()
    {
        // Between two epochs the last one's checkpoint is the one to go on from; after the last, the weights may be the best epoch's already.
        if (Cursor.Batch > 0 || Cursor == TrainingCursor.Start)
            SaveWithinEpoch();
        return new TrainingOutcome(ExitCode.Stopped, null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loader.Dispose();
        _criterion?.Dispose();
        _optimizer.Dispose();
        _model.Dispose();
    }

    private void SaveWithinEpoch() => _checkpoints.Save(new CheckpointLabel(Cursor, null, null, false));

    private bool TryEvaluate(DatasetSplit split, IDataset dataset, TrainingControl control, [NotNullWhen(true)] out EvaluationResult? result)
    {
        try
        {
            result = _evaluation.Run(_model, SplitNames.Of(split), dataset, control.Stopping);
            return true;
        }
        catch (OperationCanceledException) when (control.IsStopRequested)
        {
            result = null;
            return false;
        }
    }
}
