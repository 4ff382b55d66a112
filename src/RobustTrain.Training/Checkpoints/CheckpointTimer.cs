using RobustTrain.Runs.Configuration;

namespace RobustTrain.Training.Checkpoints;

/// <summary>Knows when a checkpoint within an epoch is due: every so many steps, or so many seconds after the last checkpoint of any kind.</summary>
/// <param name="config">The steps and the seconds.</param>
/// <param name="time">The clock.</param>
internal sealed class CheckpointTimer(CheckpointConfig config, TimeProvider time)
{
    private long _last = time.GetTimestamp();

    /// <summary>Whether one is due after so many steps of the run.</summary>
    public bool IsDue(long globalStep) =>
        (config.EverySteps is int steps && globalStep % steps == 0)
        || (config.EverySeconds is double seconds && time.GetElapsedTime(_last).TotalSeconds >= seconds);

    /// <summary>Begins the wait for the next one.</summary>
    public void Restart() => _last = time.GetTimestamp();
}
