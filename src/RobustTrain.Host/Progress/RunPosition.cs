using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Progress;

/// <summary>Follows a training's events to say where a run that is stopped goes on.</summary>
internal sealed class RunPosition : IRunJournal
{
    private volatile string? _checkpoint;
    private volatile RunStarted? _started;

    /// <summary>Whether the training has begun.</summary>
    public bool HasBegun => _started is not null;

    /// <summary>What a run that has stopped did, as the beginning of a sentence.</summary>
    public string Stopped => _checkpoint is { } path ? $"Stopped with the checkpoint {path}"
        : _started is { ResumedFromEpoch: null } ? "Stopped before its first checkpoint"
        : "Stopped with the checkpoint that it began with";

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        if (runEvent is RunStarted started)
            _started = started;
        if (runEvent is CheckpointSaved saved)
            _checkpoint = saved.Path;
    }
}
