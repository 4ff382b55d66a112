using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Epochs;
using RobustTrain.Training.Evaluation;

namespace RobustTrain.Training;

/// <summary>
/// Trains a network: epochs of steps, each epoch validated and saved, and in the end a test with the best epoch's weights.
/// Started again on the same run it goes on at the exact step of the latest checkpoint, with the same bits.
/// </summary>
/// <param name="plan">What to train, checked.</param>
/// <param name="run">The run's folder, held by this process.</param>
/// <param name="journal">Takes the run's events.</param>
/// <param name="time">The clock; the system's where it is null.</param>
public sealed class Trainer(TrainingPlan plan, RunFolder run, IRunJournal journal, TimeProvider? time = null)
{
    /// <summary>Trains to the end, or until a stop is asked for.</summary>
    /// <exception cref="RunException">The loss is not finite, memory is short, a checkpoint can't be used or written.</exception>
    /// <exception cref="SampleException">A sample can't be loaded and may not be skipped.</exception>
    public TrainingOutcome Run(TrainingControl control)
    {
        using TrainingSession session = TrainingSession.Open(plan, run, journal, control, time ?? TimeProvider.System);
        session.GoOnFromLatestCheckpoint();

        while (!session.AllEpochsAreDone)
        {
            EpochMeter meter = session.BeginEpoch();
            foreach (IBatch batch in session.RemainingBatches(meter))
            {
                using (batch)
                    session.TrainOn(batch, meter);
                if (session.MustRecover || control.IsStopRequested)
                    break;
                session.SaveWhereDue();
            }

            if (session.MustRecover)
                session.Recover();
            else if (control.IsStopRequested || !session.TryValidate(out EvaluationResult? validation))
                return session.Stop();
            else
                session.CompleteEpoch(validation, meter);
        }

        return session.TryTest(out IReadOnlyDictionary<string, double>? scores)
            ? new TrainingOutcome(ExitCode.Finished, scores)
            : session.Stop();
    }
}
