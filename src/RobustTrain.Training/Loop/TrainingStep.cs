using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loop;

/// <summary>
/// One step of the optimiser over one batch or several: forward, loss, backward, clipping, update. Its randomness is seeded by
/// (seed, step, batch) alone, and of a batch that is cut into shards by the shard too, so a step is the same whether the process has just begun or
/// trained for days.
/// </summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly TrainingPlan _plan;
    private readonly NumericGuard _guard;
    private readonly MicroBatchSize _microBatch;
    private readonly LossScale _scale;
    private readonly ITrainingLoss _loss;
    private readonly IRunJournal _journal;
    private readonly LearnerStep _network;
    private readonly LearnerStep[] _opponents;
    private readonly IStepGradient _gradient;
    private readonly Ranks _ranks;

    // The step that is under way; null between two.
    private Accumulation? _step;

    /// <summary>The step of a training.</summary>
    /// <param name="plan">The training.</param>
    /// <param name="learner">The network.</param>
    /// <param name="loss">What is minimised.</param>
    /// <param name="guard">Decides what becomes of a loss or a gradient that goes wrong.</param>
    /// <param name="microBatch">How many samples are computed at once.</param>
    /// <param name="scale">What losses are multiplied by before their gradients are taken.</param>
    /// <param name="journal">Is told of what the step survives.</param>
    /// <param name="schedule">The learning rate; null takes the training's.</param>
    /// <param name="agreement">The ranks that share each batch; null for this process alone.</param>
    /// <param name="firstStep">The step at which the stage has begun, from which its schedule counts.</param>
    public TrainingStep(
        TrainingPlan plan, Learner learner, ITrainingLoss loss, NumericGuard guard, MicroBatchSize microBatch, LossScale scale, IRunJournal journal, LearningRateSchedule? schedule = null, BatchAgreement? agreement = null, long firstStep = 0)
    {
        (_plan, _loss, _guard, _microBatch, _scale, _journal) = (plan, loss, guard, microBatch, scale, journal);
        _ranks = agreement?.Ranks ?? Ranks.Single;
        _network = new LearnerStep(learner, schedule ?? plan.CreateSchedule(firstStep: firstStep), plan.Config.Trainer);
        _opponents = [.. loss.Opponents.Select(opponent => new LearnerStep(opponent.Learner, plan.CreateSchedule(opponent.LearningRate, firstStep)))];

        // What a stage without common statistics has made smaller, one with them computes whole again.
        LossGradient gradient = new(plan, learner, loss, plan.Config.Trainer.SynchronizedBatchNorm ? new MicroBatchSize() : microBatch, scale);
        _gradient = plan.Config.Trainer.Shards == 1
            ? new WholeBatchGradient(plan, gradient)
            : new ShardedGradient(plan, gradient, [learner, .. loss.Opponents.Select(opponent => opponent.Learner)], agreement ?? BatchAgreement.OfOne(plan, journal));
    }

    /// <summary>The learning rate of a step.</summary>
    public double LearningRateAt(long globalStep) => _network.LearningRateAt(globalStep) * _guard.LearningRateFactor;

    private IEnumerable<LearnerStep> All => _opponents.Prepend(_network);

    /// <summary>Whether a batch lies beyond the step that is under way, which then has to be completed without those that never came.</summary>
    public bool EndsBefore(TrainingBatch batch) => _step?.EndsBefore(batch.Index) == true;

    /// <summary>Trains on a batch; the weights change with the last batch of the step.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="cursor">Where the training is; the step begins with the first batch that comes.</param>
    /// <exception cref="RunException">The loss or the gradient goes wrong and the policy is to fail, or not even one sample fits into memory.</exception>
    public StepResult Take(TrainingBatch batch, TrainingCursor cursor)
    {
        using var scope = NewDisposeScope();
        Accumulation step = _step ??= Begin(batch, cursor with { Batch = batch.Index });
        try
        {
            BatchOutcome outcome = _gradient.Add(step, batch);
            if (outcome.IsInterrupted)
                return new StepResult(StepVerdict.Interrupted);
            if (outcome.Samples.Count == 0)
                return Skip(step);
            step.Add(batch.Index, outcome.Samples.Select(_plan.Data.Training.NameOf));
            if (FindProblem(step, outcome) is { } failure)
                return _scale.CanRetreat && !double.IsFinite(step.Loss) ? Retreat(step) : LeaveOut(step, failure);
            return step.IsComplete ? Complete(step) : new StepResult(StepVerdict.Accumulated);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            string where = $"step {step.Start.GlobalStep} (epoch {step.Start.Epoch}, batch {batch.Index})";
            int atOnce = _ranks.Alike(() => _plan.Config.Trainer.SynchronizedBatchNorm
                ? throw TorchFailure.OutOfMemory($"{where} with all shards of a rank at once, as trainer.synchronized_batch_norm needs them; start it with more ranks, make loader.batch_size or data.crop_size smaller, or set it to false", failed)
                : _microBatch.Halve(_plan.Config.Numerics, _gradient.SamplesAtOnce(batch, step.Start.Epoch), where, failed));
            _journal.Write(new MicroBatchHalved(step.Start.Epoch, step.Start.GlobalStep, atOnce));
            Abandon();
            return new StepResult(StepVerdict.Retry);
        }
    }

    /// <summary>Completes the step that is under way with the batches that came.</summary>
    /// <returns>Null where no step is under way.</returns>
    /// <exception cref="RunException">The gradient goes wrong and the policy is to fail.</exception>
    public StepResult? CompletePending()
    {
        using var scope = NewDisposeScope();
        return _step is { } step ? Complete(step) : null;
    }

    /// <summary>Forgets the batches that were accumulated.</summary>
    public void Abandon()
    {
        if (_step is not null)
            Restore();
        _step = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _gradient.Dispose();
        foreach (LearnerStep each in All)
            each.Dispose();
    }

    private Accumulation Begin(TrainingBatch first, TrainingCursor start)
    {
        foreach (LearnerStep each in All)
            each.Begin();
        _gradient.Begin();
        _loss.Begin(start.GlobalStep);
        int end = Math.Min(start.Batch + _plan.Config.Trainer.Accumulate, _plan.BatchCount);
        return new Accumulation(start, end, _gradient.PlannedSamples(first, start, end - start.Batch));
    }

    // As if it had never come, as it does not where one process loads all samples.
    private StepResult Skip(Accumulation step)
    {
        if (step.Batches == 0)
            _step = null;
        return new StepResult(StepVerdict.Accumulated) { IsSkipped = true };
    }

    private NumericFailure? FindProblem(Accumulation step, BatchOutcome outcome)
    {
        if (outcome.NaNOperation is { } operation)
        {
            string first = outcome.FindFault() is { } found ? $"{found}; " : "";
            return new NumericFailure("The gradient is NaN", $"{first}the operation whose backward pass gave it is '{operation}'");
        }

        return _guard.FindProblem((float)step.Loss) is { } problem
            ? new NumericFailure(problem, double.IsFinite(step.Loss) ? null : outcome.FindFault())
            : null;
    }

    private StepResult Complete(Accumulation step)
    {
        _gradient.Complete(step);
        step.Loss *= step.Correction;
        foreach (LearnerStep each in All)
        {
            if (each.FindProblem(step.Correction / _scale.Factor) is { } failure)
                return _scale.CanRetreat ? Retreat(step) : LeaveOut(step, failure);
        }

        try
        {
            foreach (LearnerStep each in All)
                each.Update(step.Start.GlobalStep, _guard.LearningRateFactor);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            // Some weights have changed already: the step can't begin again with less at once.
            throw TorchFailure.OutOfMemory($"the optimiser in step {step.Start.GlobalStep} (epoch {step.Start.Epoch}); make model.base_channels smaller", failed);
        }

        _guard.Accept((float)step.Loss);
        _scale.Accept();
        return End(step, StepVerdict.Complete, LearningRateAt(step.Start.GlobalStep));
    }

    // Numbers that 16 bits can't hold are no failure as long as a smaller factor may make them fit.
    private StepResult Retreat(Accumulation step)
    {
        _scale.Retreat();
        _journal.Write(new LossScaleHalved(step.Start.Epoch, step.Start.GlobalStep, _scale.Factor));
        Restore();
        return End(step, StepVerdict.Complete, LearningRateAt(step.Start.GlobalStep));
    }

    private StepResult LeaveOut(Accumulation step, NumericFailure failure)
    {
        double learningRate = LearningRateAt(step.Start.GlobalStep);
        StepVerdict verdict = _ranks.Alike(() => _guard.Handle(failure, step.Start, [.. step.Names]));
        Restore();
        return End(step, verdict, learningRate);
    }

    private void Restore()
    {
        foreach (LearnerStep each in All)
            each.Restore();
    }

    private StepResult End(Accumulation step, StepVerdict verdict, double learningRate)
    {
        _step = null;
        return new StepResult(verdict, (float)step.Loss, learningRate, step.Samples, step.Batches, step.NextBatch);
    }
}

/// <summary>The batches of one step, as they come.</summary>
/// <param name="start">Where the step begins.</param>
/// <param name="end">The batch after its last, where the epoch has so many: batches whose samples were all skipped count, but never come.</param>
/// <param name="plannedSamples">The samples that these batches have where none is skipped.</param>
internal sealed class Accumulation(TrainingCursor start, int end, int plannedSamples)
{
    private readonly List<string> _names = [];

    /// <summary>Where the step begins.</summary>
    public TrainingCursor Start => start;

    /// <summary>The batches that have come.</summary>
    public int Batches { get; private set; }

    /// <summary>Their samples.</summary>
    public int Samples { get; private set; }

    /// <summary>The names of the samples.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>The batch after the last that came.</summary>
    public int NextBatch { get; private set; }

    /// <summary>The loss so far, each sample weighing as in the step that was planned.</summary>
    public double Loss { get; set; }

    /// <summary>Whether all batches have come.</summary>
    public bool IsComplete => NextBatch >= end;

    /// <summary>By what loss and gradient are to be multiplied: the samples weighed as in the step that was planned, and what was skipped of it is known only now.</summary>
    public double Correction => (double)plannedSamples / Samples;

    /// <summary>Whether a batch lies beyond the step.</summary>
    public bool EndsBefore(int batch) => batch >= end;

    /// <summary>How much so many samples weigh in the step.</summary>
    public double ShareOf(int samples) => (double)samples / plannedSamples;

    /// <summary>Takes note of a batch.</summary>
    public void Add(int batch, IEnumerable<string> names)
    {
        Batches++;
        NextBatch = batch + 1;
        int before = _names.Count;
        _names.AddRange(names);
        Samples += _names.Count - before;
    }
}
