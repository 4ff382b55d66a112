using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Criteria;
using RobustTrain.Training.Models;
using RobustTrain.Training.Numerics;
using RobustTrain.Training.Optimizers;
using RobustTrain.Training.Schedules;
using RobustTrain.Training.Seeding;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Steps;

/// <summary>
/// One step of the optimiser over one batch or several: forward, loss, backward, clipping, update. Its randomness is seeded by
/// (seed, step, batch) alone, so a step is the same whether the process has just begun or trained for days.
/// </summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly TrainingPlan _plan;
    private readonly ChangeDetectionModel _model;
    private readonly (string Name, Parameter Parameter)[] _learned;
    private readonly OptimizerHelper _optimizer;
    private readonly Criterion _criterion;
    private readonly LearningRateSchedule _schedule;
    private readonly GradientClipping _clipping;
    private readonly WeightAverage? _average;
    private readonly NumericGuard _guard;
    private readonly MicroBatchSize _microBatch;
    private readonly IRunJournal _journal;
    private readonly BufferCopy _buffers;
    private readonly List<string> _names = [];
    private TrainingCursor _start = TrainingCursor.Start;
    private int _next;
    private int _batches;
    private int _samples;
    private double _loss;

    public TrainingStep(
        TrainingPlan plan, ChangeDetectionModel model, (string Name, Parameter Parameter)[] learned, OptimizerHelper optimizer, Criterion criterion,
        WeightAverage? average, NumericGuard guard, MicroBatchSize microBatch, IRunJournal journal)
    {
        _plan = plan;
        _model = model;
        _learned = learned;
        _optimizer = optimizer;
        _criterion = criterion;
        _average = average;
        _guard = guard;
        _microBatch = microBatch;
        _journal = journal;
        _schedule = plan.CreateSchedule();
        _clipping = new GradientClipping([.. learned.Select(named => named.Parameter)], plan.Config.Trainer.ClipNorm, plan.Config.Trainer.ClipValue);
        _buffers = new BufferCopy(model);
    }

    /// <summary>The learning rate of a step.</summary>
    public double LearningRateAt(long globalStep) => _schedule.At(globalStep) * _guard.LearningRateFactor;

    /// <summary>The batch after the step's last, where the epoch has so many: batches whose samples were all skipped count, but never come.</summary>
    private int End => Math.Min(_start.Batch + _plan.Config.Trainer.Accumulate, _plan.BatchCount);

    /// <summary>Whether a batch lies beyond the step that is under way, which then has to be completed without those that never came.</summary>
    public bool EndsBefore(IBatch batch) => _batches > 0 && batch.Index >= End;

    /// <summary>Trains on a batch; the weights change with the last batch of the step.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="cursor">Where the training is; the step begins with the first batch that comes.</param>
    /// <exception cref="RunException">The loss or the gradient goes wrong and the policy is to fail, or not even one sample fits into memory.</exception>
    public StepResult Take(IBatch batch, TrainingCursor cursor)
    {
        using var scope = NewDisposeScope();
        if (_batches == 0)
            Begin(cursor with { Batch = batch.Index });
        try
        {
            return Train(batch);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            return ComputeLessAtOnce(batch, failed);
        }
    }

    /// <summary>Completes the step that is under way with the batches that came.</summary>
    /// <returns>Null where no step is under way.</returns>
    /// <exception cref="RunException">The gradient goes wrong and the policy is to fail.</exception>
    public StepResult? CompletePending()
    {
        using var scope = NewDisposeScope();
        return _batches == 0 ? null : Complete();
    }

    /// <summary>Forgets the batches that were accumulated.</summary>
    public void Abandon()
    {
        if (_batches > 0)
            _buffers.Restore();
        _batches = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _buffers.Dispose();

    private void Begin(TrainingCursor start)
    {
        _start = start;
        _names.Clear();
        _samples = 0;
        _loss = 0;
        _model.zero_grad(set_to_none: true);
        _buffers.Take();
    }

    private StepResult Train(IBatch batch)
    {
        int planned = PlannedSamples(batch);
        manual_seed(_plan.StepSeed(_start, _batches));
        using BatchTensors tensors = BatchTensors.From(batch, _plan.Device);
        string? operation = AccumulateParts(batch, tensors, planned);
        _batches++;
        _next = batch.Index + 1;
        _samples += batch.SampleIndices.Count;
        _names.AddRange(batch.SampleIndices.Select(_plan.Data.Training.NameOf));
        if (operation is not null)
            return LeaveOut(new NumericFailure("The gradient is NaN", $"{(FaultSearch.InForward(_model, tensors) is { } first ? $"{first}; " : "")}the operation whose backward pass gave it is '{operation}'"));
        if (_guard.FindProblem((float)_loss) is { } problem)
            return LeaveOut(new NumericFailure(problem, double.IsFinite(_loss) ? null : FaultSearch.InForward(_model, tensors)));
        return _next < End ? new StepResult(StepVerdict.Accumulated) : Complete();
    }

    // Of a single batch the samples are known; where one was skipped, it counts for nothing.
    private int PlannedSamples(IBatch batch) =>
        End - _start.Batch == 1 ? batch.SampleIndices.Count : _plan.CountSamples(_start, End - _start.Batch);

    // The operation whose backward pass made a NaN, where autograd looks for one (trainer.detect_anomaly).
    private string? AccumulateParts(IBatch batch, BatchTensors tensors, int planned)
    {
        try
        {
            foreach ((int start, int length) in _microBatch.Split(batch.SampleIndices.Count))
                _loss += Accumulate(tensors, start, length, planned);
            return null;
        }
        catch (Exception failed) when (TorchFailure.FindNaNOperation(failed) is { } operation)
        {
            _loss = double.NaN;
            return operation;
        }
    }

    private double Accumulate(BatchTensors tensors, int start, int length, int samplesOfStep)
    {
        using var scope = NewDisposeScope();
        Tensor logits = _model.call(tensors.Image1.narrow(0, start, length), tensors.Image2.narrow(0, start, length));
        Tensor loss = _criterion.Compute(logits, tensors.Label.narrow(0, start, length));
        double share = (double)length / samplesOfStep;
        (share < 1 ? loss * share : loss).backward();
        return loss.item<float>() * share;
    }

    private StepResult Complete()
    {
        WeighDeliveredSamples();
        double norm = _clipping.Norm();
        if (!double.IsFinite(norm))
            return LeaveOut(new NumericFailure("The gradient is not finite", FaultSearch.InGradients(_learned)));

        double learningRate = LearningRateAt(_start.GlobalStep);
        foreach (var group in _optimizer.ParamGroups)
            group.LearningRate = learningRate;
        Update(norm);
        _guard.Accept((float)_loss);
        return Finished(StepVerdict.Complete, learningRate);
    }

    // Where the memory is short by now, some weights have changed already: the step can't begin again with less at once.
    private void Update(double norm)
    {
        try
        {
            _clipping.Apply(norm);
            _optimizer.step();
            _average?.Update();
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            throw TorchFailure.OutOfMemory($"the optimiser in step {_start.GlobalStep} (epoch {_start.Epoch}); make model.base_channels smaller", failed);
        }
    }

    // The shares were those of the step as it was planned; what was skipped of it is known only now.
    private void WeighDeliveredSamples()
    {
        int planned = End - _start.Batch == 1 ? _samples : _plan.CountSamples(_start, End - _start.Batch);
        if (planned == _samples)
            return;
        double factor = (double)planned / _samples;
        _clipping.Scale(factor);
        _loss *= factor;
    }

    private StepResult LeaveOut(NumericFailure failure)
    {
        double learningRate = LearningRateAt(_start.GlobalStep);
        StepVerdict verdict = _guard.Handle(failure, _start, [.. _names]);
        _buffers.Restore();
        return Finished(verdict, learningRate);
    }

    private StepResult Finished(StepVerdict verdict, double learningRate)
    {
        var result = new StepResult(verdict, (float)_loss, learningRate, _samples, _batches, _next);
        _batches = 0;
        return result;
    }

    private StepResult ComputeLessAtOnce(IBatch batch, Exception failed)
    {
        int samples = batch.SampleIndices.Count;
        string where = $"step {_start.GlobalStep} (epoch {_start.Epoch}, batch {batch.Index})";
        if (_plan.Config.Numerics.OnOutOfMemory != "split")
            throw TorchFailure.OutOfMemory($"{where} with {Counted.Of(_microBatch.Limit ?? samples, "sample")} at once; make loader.batch_size or data.crop_size smaller, or set numerics.on_out_of_memory: split", failed);
        if (!_microBatch.TryHalve(samples))
            throw TorchFailure.OutOfMemory($"even one sample at once in {where}; make data.crop_size or model.base_channels smaller", failed);

        _journal.Write(new MicroBatchHalved(_start.Epoch, _start.GlobalStep, _microBatch.Limit!.Value));
        _buffers.Restore();
        _batches = 0;
        return new StepResult(StepVerdict.BeginAgain);
    }
}
