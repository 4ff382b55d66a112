using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Progress;

/// <summary>How far a training is, as its events tell it.</summary>
internal sealed record TrainingView
{
    /// <summary>What is under way, for people.</summary>
    public string Phase { get; init; } = "starting";

    /// <summary>The epochs to train.</summary>
    public int Epochs { get; init; }

    /// <summary>The steps of an epoch.</summary>
    public int StepsPerEpoch { get; init; }

    /// <summary>The epoch under way, from 0.</summary>
    public int Epoch { get; init; }

    /// <summary>The steps of the epoch that are done.</summary>
    public int StepsDone { get; init; }

    /// <summary>The last step's event; null before the first.</summary>
    public StepFinished? LastStep { get; init; }

    /// <summary>The host's last figures; null before the first.</summary>
    public SystemSample? System { get; init; }

    /// <summary>The first step of this process and the clock's timestamp when it came: the speed is measured from it.</summary>
    public (long GlobalStep, long Timestamp)? FirstStep { get; init; }

    /// <summary>The clock's timestamp when the last step came.</summary>
    public long LastStepTimestamp { get; init; }

    /// <summary>The samples that the pass under way has scored, and all of its samples; null outside of a pass.</summary>
    public (string Split, int Done, int Total)? Evaluation { get; init; }

    /// <summary>The best epoch's event so far.</summary>
    public EpochFinished? Best { get; init; }

    /// <summary>The share of all steps that is done, 0 to 1.</summary>
    public double Share => Epochs * StepsPerEpoch == 0 ? 0 : (((double)Epoch * StepsPerEpoch) + StepsDone) / ((double)Epochs * StepsPerEpoch);

    /// <summary>
    /// The time that is left at the speed since the first step, validations included; null before there is a speed. It is measured by
    /// timestamps, which no setting of the clock moves.
    /// </summary>
    public TimeSpan? TimeLeft(TimeProvider time)
    {
        if (FirstStep is not { } first || LastStep is not { } last || last.GlobalStep == first.GlobalStep)
            return null;
        double secondsPerStep = time.GetElapsedTime(first.Timestamp, LastStepTimestamp).TotalSeconds / (last.GlobalStep - first.GlobalStep);
        double stepsLeft = ((double)Epochs * StepsPerEpoch) - last.GlobalStep - 1;
        double seconds = (stepsLeft * secondsPerStep) - time.GetElapsedTime(LastStepTimestamp).TotalSeconds;
        return TimeSpan.FromSeconds(Math.Max(0, seconds));
    }

    /// <summary>The view after an event.</summary>
    /// <param name="runEvent">The event.</param>
    /// <param name="timestamp">The clock's timestamp when it came.</param>
    public TrainingView After(RunEvent runEvent, long timestamp) => runEvent switch
    {
        RunStarted started => this with { Epochs = started.Epochs, StepsPerEpoch = started.StepsPerEpoch, Phase = "starting" },
        EpochStarted epoch => this with { Epoch = epoch.Epoch, StepsDone = 0, Phase = "training", Evaluation = null },
        StepFinished step => this with
        {
            Epoch = step.Epoch,
            StepsDone = step.Step + 1,
            LastStep = step,
            LastStepTimestamp = timestamp,
            FirstStep = FirstStep ?? (step.GlobalStep, timestamp),
            Phase = "training",
            Evaluation = null,
        },
        EvaluationProgress pass => this with { Evaluation = (pass.Split, pass.Done, pass.Total), Phase = pass.Split == "test" ? "testing" : "validating" },
        EpochFinished epoch => this with { StepsDone = StepsPerEpoch, Evaluation = null, Best = epoch.IsBest ? epoch : Best },
        SystemSample sample => this with { System = sample },
        StopRequested => this with { Phase = "stopping with a checkpoint" },
        _ => this,
    };
}
