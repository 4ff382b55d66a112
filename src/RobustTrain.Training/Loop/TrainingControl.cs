namespace RobustTrain.Training.Loop;

/// <summary>What others may ask of a running training, from any thread.</summary>
public sealed class TrainingControl : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private int _checkpointRequested;

    /// <summary>Whether a stop has been asked for.</summary>
    public bool IsStopRequested => _stop.IsCancellationRequested;

    /// <summary>Is cancelled by <see cref="RequestStop"/>.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>Is called, on another thread, with one sentence where a step has not ended in the time that it may take. Nothing can interrupt it.</summary>
    public event Action<string>? Stuck;

    /// <summary>Asks for an end after the step that is under way, with a checkpoint. Asking again changes nothing.</summary>
    public void RequestStop() => _stop.Cancel();

    /// <summary>Asks for a checkpoint after the step that is under way.</summary>
    public void RequestCheckpoint() => Interlocked.Exchange(ref _checkpointRequested, 1);

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    /// <summary>Whether a checkpoint has been asked for since the last call.</summary>
    internal bool TakeCheckpointRequest() => Interlocked.Exchange(ref _checkpointRequested, 0) != 0;

    /// <summary>Says that a step has not ended in time.</summary>
    internal void ReportStuck(string message) => Stuck?.Invoke(message);
}
