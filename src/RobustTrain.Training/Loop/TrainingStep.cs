using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loop;

/// <summary>
/// One step of the optimiser over one batch or several: forward, loss, backward, clipping, update. Its randomness is seeded by
/// (seed, step, batch) alone, so a step is the same whether the process has just begun or trained for days.
/// </summary>
internal sealed class TrainingStep(
    TrainingPlan plan, Learner learner, ITrainingLoss loss, NumericGuard guard, MicroBatchSize microBatch, LossScale scale, IRunJournal journal, LearningRateSchedule? schedule = null) : IDisposable
{
    private readonly LearnerStep _network = new(learner, schedule ?? plan.CreateSchedule(), plan.Config.Trainer);
    private readonly LearnerStep[] _opponents = [.. loss.Opponents.Select(opponent => new LearnerStep(opponent.Learner, plan.CreateSchedule(opponent.LearningRate)))];

    // The step that is under way; null between two.
    private Accumulation? _step;

    /// <summary>The learning rate of a step.</summary>
    public double LearningRateAt(long globalStep) => _network.LearningRateAt(globalStep) * guard.LearningRateFactor;

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
            manual_seed(plan.StepSeed(step.Start, step.Batches));
            BatchTensors tensors = batch.Open();
            string? nanOperation = Accumulate(step, tensors, batch.SampleIndices.Count);
            step.Add(batch.Index, batch.SampleIndices.Select(plan.Data.Training.NameOf));
            if (FindProblem(step, tensors, nanOperation) is { } failure)
                return scale.CanRetreat && !double.IsFinite(step.Loss) ? Retreat(step) : LeaveOut(step, failure);
            return step.IsComplete ? Complete(step) : new StepResult(StepVerdict.Accumulated);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            string where = $"step {step.Start.GlobalStep} (epoch {step.Start.Epoch}, batch {batch.Index})";
            int atOnce = microBatch.Halve(plan.Config.Numerics, batch.SampleIndices.Count, where, failed);
            journal.Write(new MicroBatchHalved(step.Start.Epoch, step.Start.GlobalStep, atOnce));
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
        foreach (LearnerStep each in All)
            each.Dispose();
    }

    private Accumulation Begin(TrainingBatch first, TrainingCursor start)
    {
        foreach (LearnerStep each in All)
            each.Begin();
        loss.Begin(start.GlobalStep);

        // Of a single batch the samples are known; where one was skipped, it counts for nothing.
        int end = Math.Min(start.Batch + plan.Config.Trainer.Accumulate, plan.BatchCount);
        return new Accumulation(start, end, end - start.Batch == 1 ? first.SampleIndices.Count : plan.CountSamples(start, end - start.Batch));
    }

    // Gives the operation whose backward pass made a NaN, where autograd looks for one (trainer.detect_anomaly).
    private string? Accumulate(Accumulation step, BatchTensors batch, int samples)
    {
        try
        {
            foreach ((int start, int length) in microBatch.Split(samples))
            {
                using var scope = NewDisposeScope();
                BatchTensors part = batch.Narrow(start, length);
                Tensor mean = loss.Compute(plan.Task.Forward(learner.Model, part), part);
                double share = step.ShareOf(length);
                double weight = share * scale.Factor;
                (weight != 1 ? mean * weight : mean).backward();
                step.Loss += mean.item<float>() * share;
            }

            return null;
        }
        catch (Exception failed) when (TorchFailure.FindNaNOperation(failed) is { } operation)
        {
            step.Loss = double.NaN;
            return operation;
        }
    }

    private NumericFailure? FindProblem(Accumulation step, BatchTensors batch, string? nanOperation)
    {
        if (nanOperation is not null)
        {
            string first = FaultSearch.InForward(plan.Task, learner.Model, batch) is { } found ? $"{found}; " : "";
            return new NumericFailure("The gradient is NaN", $"{first}the operation whose backward pass gave it is '{nanOperation}'");
        }

        return guard.FindProblem((float)step.Loss) is { } problem
            ? new NumericFailure(problem, double.IsFinite(step.Loss) ? null : FaultSearch.InForward(plan.Task, learner.Model, batch))
            : null;
    }

    private StepResult Complete(Accumulation step)
    {
        step.Loss *= step.Correction;
        foreach (LearnerStep each in All)
        {
            if (each.FindProblem(step.Correction / scale.Factor) is { } failure)
                return scale.CanRetreat ? Retreat(step) : LeaveOut(step, failure);
        }

        try
        {
            foreach (LearnerStep each in All)
                each.Update(step.Start.GlobalStep, guard.LearningRateFactor);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            // Some weights have changed already: the step can't begin again with less at once.
            throw TorchFailure.OutOfMemory($"the optimiser in step {step.Start.GlobalStep} (epoch {step.Start.Epoch}); make model.base_channels smaller", failed);
        }

        guard.Accept((float)step.Loss);
        scale.Accept();
        return End(step, StepVerdict.Complete, LearningRateAt(step.Start.GlobalStep));
    }

    // Numbers that 16 bits can't hold are no failure as long as a smaller factor may make them fit.
    private StepResult Retreat(Accumulation step)
    {
        scale.Retreat();
        journal.Write(new LossScaleHalved(step.Start.Epoch, step.Start.GlobalStep, scale.Factor));
        Restore();
        return End(step, StepVerdict.Complete, LearningRateAt(step.Start.GlobalStep));
    }

    private StepResult LeaveOut(Accumulation step, NumericFailure failure)
    {
        double learningRate = LearningRateAt(step.Start.GlobalStep);
        StepVerdict verdict = guard.Handle(failure, step.Start, [.. step.Names]);
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
