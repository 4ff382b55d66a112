using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loop;

/// <summary>Computes the gradient of a step, batch by batch.</summary>
internal interface IStepGradient : IDisposable
{
    /// <summary>Begins a step: the networks have no gradient, and the buffers that they began it with.</summary>
    void Begin();

    /// <summary>The samples of a step of so many batches where none is skipped, by which they are weighed.</summary>
    int PlannedSamples(TrainingBatch first, Checkpoints.TrainingCursor start, int batches);

    /// <summary>The samples of a batch that are computed at once where memory allows it.</summary>
    int SamplesAtOnce(TrainingBatch batch, int epoch);

    /// <summary>Forward, loss and backward of a batch; adds to the step's loss.</summary>
    /// <exception cref="Exception">Memory is short (<see cref="TorchFailure.IsOutOfMemory"/>).</exception>
    BatchOutcome Add(Accumulation step, TrainingBatch batch);

    /// <summary>Leaves the gradient of the step's batches in the parameters, not corrected for skipped samples yet, and the networks' buffers as the step made them.</summary>
    void Complete(Accumulation step);
}

/// <summary>What became of a batch.</summary>
/// <param name="Samples">The dataset's indices of its samples, over all ranks.</param>
/// <param name="NaNOperation">The operation whose backward pass made a NaN, where autograd looks for one (trainer.detect_anomaly); else null.</param>
/// <param name="FindFault">Looks for the first value that is not finite, and says where it is.</param>
internal sealed record BatchOutcome(IReadOnlyList<int> Samples, string? NaNOperation, Func<string?> FindFault)
{
    /// <summary>A rank was asked to stop before it had the batch.</summary>
    public static BatchOutcome Interrupted { get; } = new([], null, () => null) { IsInterrupted = true };

    /// <summary>Whether the step can't go on, since the training is to stop.</summary>
    public bool IsInterrupted { get; private init; }
}

/// <summary>Computes the loss of samples and adds its gradient to the parameters', in parts that fit into memory.</summary>
internal sealed class LossGradient(TrainingPlan plan, Learner learner, ITrainingLoss loss, MicroBatchSize microBatch, LossScale scale)
{
    /// <summary>Forward, loss and backward, with the randomness that torch's generator has.</summary>
    /// <param name="step">Says how much samples weigh.</param>
    /// <param name="batch">The samples.</param>
    /// <param name="samples">How many they are.</param>
    /// <param name="add">Takes each part's loss, by its share of the step's samples; NaN where autograd has found one.</param>
    /// <returns>The operation whose backward pass made a NaN, where autograd looks for one.</returns>
    public string? Add(Accumulation step, BatchTensors batch, int samples, Action<double> add)
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
                add(mean.item<float>() * share);
            }

            return null;
        }
        catch (Exception failed) when (TorchFailure.FindNaNOperation(failed) is { } operation)
        {
            add(double.NaN);
            return operation;
        }
    }

    /// <summary>Where a value of samples is first not finite.</summary>
    public string? FindFault(BatchTensors batch) => FaultSearch.InForward(plan.Task, learner.Model, batch);
}

/// <summary>The gradient of whole batches, which autograd leaves where it belongs: what a run without shards computes.</summary>
internal sealed class WholeBatchGradient(TrainingPlan plan, LossGradient gradient) : IStepGradient
{
    /// <inheritdoc/>
    public void Begin()
    {
    }

    /// <inheritdoc/>
    public int PlannedSamples(TrainingBatch first, Checkpoints.TrainingCursor start, int batches) =>
        // Of a single batch the samples are known; where one was skipped, it counts for nothing.
        batches == 1 ? first.SampleIndices.Count : plan.CountSamples(start, batches);

    /// <inheritdoc/>
    public int SamplesAtOnce(TrainingBatch batch, int epoch) => batch.SampleIndices.Count;

    /// <inheritdoc/>
    public BatchOutcome Add(Accumulation step, TrainingBatch batch)
    {
        BatchTensors tensors = batch.Open();
        using IDisposable generator = TorchGenerator.Seed(plan.StepSeed(step.Start, step.Batches));
        string? nanOperation = gradient.Add(step, tensors, batch.SampleIndices.Count, loss => step.Loss += loss);
        return new BatchOutcome(batch.SampleIndices, nanOperation, () => gradient.FindFault(tensors));
    }

    /// <inheritdoc/>
    public void Complete(Accumulation step)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
