using System.Globalization;
using System.Management.Automation;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Training;

/// <summary>How far a training is, from its events: what Write-Progress shows.</summary>
/// <param name="activityId">Tells this training's line apart from others'.</param>
/// <param name="clock">The time, from which the time left is estimated.</param>
internal sealed class TrainingProgress(int activityId, TimeProvider clock)
{
    private RunStarted? run;
    private long firstStep = -1;
    private long firstStepTime;

    /// <summary>What to show after an event; null where it changes nothing.</summary>
    public ProgressRecord? After(RunEvent happened)
    {
        switch (happened)
        {
            case RunStarted started:
                run = started;
                return Record("starting");
            case StepFinished step when run is not null:
                return AfterStep(step, run);
            case EvaluationProgress evaluation when run is not null:
                ProgressRecord record = Record($"{(evaluation.Split == "test" ? "testing" : "validating")}: {evaluation.Done} of {evaluation.Total}");
                record.PercentComplete = (int)(100L * evaluation.Done / Math.Max(1, evaluation.Total));
                return record;
            default:
                return null;
        }
    }

    /// <summary>Takes the line away.</summary>
    public ProgressRecord Done()
    {
        ProgressRecord record = Record("done");
        record.RecordType = ProgressRecordType.Completed;
        return record;
    }

    private ProgressRecord AfterStep(StepFinished step, RunStarted started)
    {
        long steps = (long)started.Epochs * started.StepsPerEpoch;
        ProgressRecord record = Record(string.Create(CultureInfo.InvariantCulture,
            $"epoch {step.Epoch} of {started.Epochs}, step {step.Step + 1} of {started.StepsPerEpoch}, loss {step.Loss:G4}, learning rate {step.LearningRate:G3}, {step.SamplesPerSecond:F0} samples/s"));
        record.PercentComplete = (int)Math.Clamp(100 * (step.GlobalStep + 1) / Math.Max(1, steps), 0, 100);
        if (firstStep < 0)
        {
            firstStep = step.GlobalStep;
            firstStepTime = clock.GetTimestamp();
        }
        else if (step.GlobalStep > firstStep)
        {
            double secondsPerStep = clock.GetElapsedTime(firstStepTime).TotalSeconds / (step.GlobalStep - firstStep);
            record.SecondsRemaining = (int)Math.Clamp(secondsPerStep * (steps - step.GlobalStep - 1), 0, int.MaxValue);
        }

        return record;
    }

    private ProgressRecord Record(string status) =>
        new(activityId, run is null ? "Training" : $"Training {Path.GetFileName(run.RunPath)}", status);
}
