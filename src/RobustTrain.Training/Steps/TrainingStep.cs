using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Training.Criteria;
using RobustTrain.Training.Models;
using RobustTrain.Training.Schedules;
using RobustTrain.Training.Seeding;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Steps;

/// <summary>
/// One step of the optimiser: forward, loss, backward, update. Its randomness is seeded by (seed, step) alone,
/// so a step is the same whether the process has just begun or trained for days.
/// </summary>
internal sealed class TrainingStep(
    ChangeDetectionModel model, Criterion criterion, OptimizerHelper optimizer, LearningRateSchedule schedule, TrainingPlan plan, Func<int, string> nameOf)
{
    private const int NamesInMessage = 16;

    /// <summary>The learning rate of a step.</summary>
    public double LearningRateAt(long globalStep) => schedule.At(globalStep);

    /// <summary>Trains on a batch.</summary>
    /// <exception cref="RunException">The loss is NaN or infinite, or memory is short.</exception>
    public StepResult Run(IBatch batch, long globalStep)
    {
        try
        {
            return Train(batch, globalStep);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            throw TorchFailure.OutOfMemory(
                $"step {globalStep} (epoch {batch.Epoch}, batch {batch.Index}) with {batch.SampleIndices.Count} samples; make loader.batch_size or data.crop_size smaller", failed);
        }
    }

    private StepResult Train(IBatch batch, long globalStep)
    {
        using var scope = NewDisposeScope();
        double learningRate = schedule.At(globalStep);
        foreach (var group in optimizer.ParamGroups)
            group.LearningRate = learningRate;
        manual_seed(SeedDerivation.Derive(plan.Config.Seed, SeedDerivation.Step, globalStep));

        using BatchTensors tensors = BatchTensors.From(batch, plan.Device);
        model.zero_grad(set_to_none: true);
        Tensor loss = criterion.Compute(model.call(tensors.Image1, tensors.Image2), tensors.Label);
        float value = loss.item<float>();
        if (!float.IsFinite(value))
            throw NotFinite(value, batch, globalStep);

        loss.backward();
        optimizer.step();
        return new StepResult(value, learningRate, batch.SampleIndices.Count);
    }

    private RunException NotFinite(float loss, IBatch batch, long globalStep)
    {
        IEnumerable<string> names = batch.SampleIndices.Take(NamesInMessage).Select(nameOf);
        string more = batch.SampleIndices.Count > NamesInMessage ? $" and {batch.SampleIndices.Count - NamesInMessage} more" : "";
        string found = float.IsNaN(loss) ? "NaN" : "infinite";
        return new RunException(
            ExitCode.Numeric, "LossNotFinite",
            $"The loss of step {globalStep} (epoch {batch.Epoch}, batch {batch.Index}) is {found}; its samples are {string.Join(", ", names)}{more}.",
            globalStep);
    }
}
