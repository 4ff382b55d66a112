using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Stopping;

/// <summary>Gathers who asks for a stop and for a checkpoint: signals, lines on standard input, the end of the life line.</summary>
/// <param name="onStop">Is called once, at the first request to stop.</param>
/// <param name="onCheckpoint">Is called for each request for a checkpoint.</param>
internal sealed class StopRequests(Action onStop, Action onCheckpoint)
{
    private readonly Lock _gate = new();
    private IRunJournal? _journal;
    private string? _reason;

    /// <summary>Who asked first for a stop; null where nobody has.</summary>
    public string? Reason
    {
        get
        {
            lock (_gate)
                return _reason;
        }
    }

    /// <summary>Names the journal that is told of a stop, one asked for already included.</summary>
    public void ReportTo(IRunJournal journal)
    {
        string? reason;
        lock (_gate)
        {
            _journal = journal;
            reason = _reason;
        }

        if (reason is not null)
            journal.Write(new StopRequested(reason));
    }

    /// <summary>Asks for a stop with a checkpoint.</summary>
    /// <param name="reason">Who asks, for people.</param>
    /// <returns>Whether it is the first such request.</returns>
    public bool Stop(string reason)
    {
        IRunJournal? journal;
        lock (_gate)
        {
            if (_reason is not null)
                return false;
            _reason = reason;
            journal = _journal;
        }

        // The training stops even where the journal's disk refuses.
        onStop();
        journal?.Write(new StopRequested(reason));
        return true;
    }

    /// <summary>Asks for a checkpoint.</summary>
    public void Checkpoint() => onCheckpoint();

    /// <summary>Tells of a request that means nothing.</summary>
    public void Reject(string line)
    {
        IRunJournal? journal;
        lock (_gate)
            journal = _journal;
        journal?.Write(new RunWarning($"Standard input says '{line}', but only 'stop' and 'checkpoint' mean something."));
    }
}
