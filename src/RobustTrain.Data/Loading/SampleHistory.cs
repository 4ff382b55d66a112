namespace RobustTrain.Data.Loading;

/// <summary>What happened to a sample that was not loaded at the first attempt.</summary>
internal sealed class SampleHistory
{
    // One kill may have come from outside and have met the sample by chance; two crashes, stalls or errors are the sample's.
    private const int AllowedKills = 2;
    private const int AllowedOthers = 1;

    private readonly List<string> _evidence = [];
    private int _kills;
    private int _others;

    public IReadOnlyList<string> Evidence => _evidence;

    /// <summary>The file at fault, where it is known.</summary>
    public string Path { get; private set; } = "";

    /// <summary>Whether a worker has crashed with it, so that it must not be loaded where it could take the trainer with it.</summary>
    public bool HasCrashed { get; private set; }

    /// <summary>Whether a worker has stalled with it, so that it must not be loaded where it could hold the trainer up.</summary>
    public bool HasStalled { get; private set; }

    /// <summary>Whether it is in doubt: to be decided by workers, as long as there are any.</summary>
    public bool IsSuspect => HasCrashed || HasStalled;

    /// <summary>Whether the sample itself is to blame for all that happened: faults in its files' own bytes, and workers that it killed or stalled.</summary>
    public bool IsLasting { get; private set; } = true;

    public bool IsBad => _kills > AllowedKills || _others > AllowedOthers;

    public void AddFailure(SampleException failure)
    {
        if (failure.Path.Length > 0)
            Path = failure.Path;
        _others++;
        IsLasting &= failure.IsOfFile;
        _evidence.Add(failure.Message);
    }

    public void AddLoss(string message, WorkerLoss loss)
    {
        if (loss == WorkerLoss.Kill)
            _kills++;
        else
            _others++;
        HasCrashed |= loss == WorkerLoss.Crash;
        HasStalled |= loss == WorkerLoss.Stall;
        _evidence.Add(message);
    }
}
