using RobustTrain.Platform;

namespace RobustTrain.Runs.Events;

/// <summary>
/// Keeps a journal's refusal from ending a training: what a full disk refuses is kept, and written in order once it can be.
/// Step events, of which there are many and each is soon superseded, are not kept.
/// </summary>
/// <param name="journal">The journal.</param>
public sealed class RetryingJournal(IRunJournal journal) : IRunJournal
{
    // An epoch has a handful of events besides its steps; this is room for thousands of epochs.
    private const int MostKept = 10_000;

    private readonly Queue<RunEvent> _kept = new();
    private readonly Lock _gate = new();
    private string? _refusal;

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        lock (_gate)
        {
            try
            {
                WriteKept();
                journal.Write(runEvent);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                _refusal ??= StorageError.Describe(refused);
                if (runEvent is not StepFinished && _kept.Count < MostKept)
                    _kept.Enqueue(runEvent);
            }
        }
    }

    /// <summary>Writes what is kept, for the last time.</summary>
    /// <exception cref="IOException">The disk still refuses it.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Complete()
    {
        lock (_gate)
            WriteKept();
    }

    private void WriteKept()
    {
        while (_kept.TryPeek(out RunEvent? next))
        {
            journal.Write(next);
            _kept.Dequeue();
        }

        if (_refusal is not { } refusal)
            return;
        journal.Write(new RunWarning($"The journal could not be written for a while, so that step events are missing: {refusal}"));
        _refusal = null;
    }
}
