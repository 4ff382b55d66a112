namespace RobustTrain.Runs.Events;

/// <summary>
/// How fast a training gets on in this process, validations included: from its first step to its last, by a clock's timestamps, which no
/// setting of the clock moves.
/// </summary>
public readonly record struct TrainingPace
{
    private readonly (long Step, long At) _first;
    private readonly (long Step, long At) _last;

    private TrainingPace((long Step, long At) first, (long Step, long At) last) => (_first, _last) = (first, last);

    /// <summary>The pace after a step.</summary>
    /// <param name="before">The pace before it; null where it is the first.</param>
    /// <param name="step">The step.</param>
    /// <param name="timestamp">The clock's timestamp when it was told of.</param>
    public static TrainingPace After(TrainingPace? before, StepFinished step, long timestamp) => new(before?._first ?? (step.GlobalStep, timestamp), (step.GlobalStep, timestamp));

    /// <summary>The time that is left, at most <see cref="int.MaxValue"/> seconds; null before there is a speed.</summary>
    /// <param name="steps">The steps of the whole training.</param>
    /// <param name="time">The clock.</param>
    public TimeSpan? TimeLeft(long steps, TimeProvider time)
    {
        if (_last.Step == _first.Step)
            return null;
        double secondsPerStep = time.GetElapsedTime(_first.At, _last.At).TotalSeconds / (_last.Step - _first.Step);
        double seconds = (secondsPerStep * (steps - _last.Step - 1)) - time.GetElapsedTime(_last.At).TotalSeconds;
        return TimeSpan.FromSeconds(Math.Clamp(seconds, 0, int.MaxValue));
    }
}
