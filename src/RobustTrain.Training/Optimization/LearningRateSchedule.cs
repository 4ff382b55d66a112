using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Optimization;

/// <summary>
/// The learning rate as a pure function of the step: a resumed training needs no more than its step to go on with the same rates.
/// A linear warm-up comes first; the shape then spans the steps that are left.
/// </summary>
public sealed class LearningRateSchedule
{
    private readonly double _learningRate;
    private readonly int _warmupSteps;
    private readonly Func<long, double> _shape;
    private readonly long _first;

    private LearningRateSchedule(double learningRate, int warmupSteps, Func<long, double> shape, long first = 0)
    {
        _first = first;
        _learningRate = learningRate;
        _warmupSteps = warmupSteps;
        _shape = shape;
    }

    /// <summary>The schedule that a configuration asks for.</summary>
    /// <param name="config">The shape and its parameters.</param>
    /// <param name="learningRate">The rate at the end of the warm-up.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch, at least 1.</param>
    /// <param name="epochs">Epochs of the training, at least 1.</param>
    /// <param name="totalSteps">Steps of the training; null where they are those of whole epochs.</param>
    /// <exception cref="RunException">The warm-up is as long as the training, or the shape is unknown.</exception>
    public static LearningRateSchedule Create(ScheduleConfig config, double learningRate, int stepsPerEpoch, int epochs, long? totalSteps = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stepsPerEpoch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(epochs, 1);
        long total = totalSteps ?? (long)stepsPerEpoch * epochs;
        if (config.WarmupSteps >= total)
        {
            throw new RunException(
                ExitCode.Configuration, "ScheduleWarmupTooLong",
                $"schedule.warmup_steps is {config.WarmupSteps}, but the schedule has {Counted.Of(total, "step")} ({(totalSteps is null ? $"{Counted.Of(epochs, "epoch")} of {stepsPerEpoch}" : "trainer.total_iter")}).", "schedule.warmup_steps");
        }

        Func<long, double> shape = config.Name switch
        {
            "constant" => _ => 1.0,
            "polynomial" => step => Math.Pow(1.0 - Progress(step), config.Power),
            "cosine" => step => 0.5 * (1.0 + Math.Cos(Math.PI * Progress(step))),
            "step" => step => Math.Pow(config.Gamma, step / stepsPerEpoch / config.StepEpochs),
            _ => throw new RunException(
                ExitCode.Configuration, "ScheduleUnknown",
                $"schedule.name is '{config.Name}', but must be constant, polynomial, cosine or step.", "schedule.name"),
        };
        return new LearningRateSchedule(learningRate, config.WarmupSteps, shape);

        double Progress(long step) => Math.Min(1.0, (double)(step - config.WarmupSteps) / (total - config.WarmupSteps));
    }

    /// <summary>A rate that rises by the same factor from step to step.</summary>
    /// <param name="from">The first step's rate.</param>
    /// <param name="to">The last step's rate.</param>
    /// <param name="steps">The steps, at least 2.</param>
    public static LearningRateSchedule Exponential(double from, double to, int steps) =>
        new(from, warmupSteps: 0, step => Math.Pow(to / from, (double)step / (steps - 1)));

    /// <summary>The same, begun at a later step of the run.</summary>
    public LearningRateSchedule From(long globalStep) => new(_learningRate, _warmupSteps, _shape, globalStep);

    /// <summary>The learning rate of a step.</summary>
    /// <param name="globalStep">The step in the run, from 0.</param>
    public double At(long globalStep)
    {
        long step = globalStep - _first;
        return _learningRate * (step < _warmupSteps ? (step + 1.0) / _warmupSteps : _shape(step));
    }
}
