using RobustTrain.Training.Distributed;

namespace RobustTrain.Training.Loop;

/// <summary>
/// What is asked of a training, as all its ranks know it: a stop that one rank was asked for counts from the batch on with which all have heard of
/// it, so that all stop at the same step. A run of one rank hears itself at once.
/// </summary>
/// <param name="control">What this rank was asked.</param>
/// <param name="ranks">The ranks.</param>
internal sealed class RankControl(TrainingControl control, Ranks ranks)
{
    private bool _stopIsAgreed;
    private bool _checkpointIsAgreed;

    /// <summary>Whether the training is to stop.</summary>
    public bool IsStopRequested => ranks.IsAlone ? control.IsStopRequested : _stopIsAgreed;

    /// <summary>Whether this rank was asked to stop, whatever the others know.</summary>
    public bool IsThisAskedToStop => control.IsStopRequested;

    /// <summary>Is cancelled as soon as this rank is asked to stop, so that it waits for nothing any more.</summary>
    public CancellationToken Stopping => control.Stopping;

    /// <summary>Whether a checkpoint has been asked for since the last call.</summary>
    public bool TakeCheckpointRequest()
    {
        bool agreed = _checkpointIsAgreed;
        _checkpointIsAgreed = false;
        return ranks.IsAlone ? control.TakeCheckpointRequest() : agreed;
    }

    /// <summary>Whether this rank was asked for a checkpoint, to be told to all.</summary>
    public bool TakeOwnCheckpointRequest() => control.TakeCheckpointRequest();

    /// <summary>Takes over what all ranks now know.</summary>
    public void Agree(bool stop, bool checkpoint)
    {
        _stopIsAgreed |= stop;
        _checkpointIsAgreed |= checkpoint;
    }

    /// <inheritdoc cref="TrainingControl.ReportStuck"/>
    public void ReportStuck(string message) => control.ReportStuck(message);
}
