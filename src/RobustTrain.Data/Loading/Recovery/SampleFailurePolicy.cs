using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Data.Ordering;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Recovery;

/// <summary>
/// Decides what becomes of the samples of an epoch that failed, and keeps the account of it. Unless a
/// member says otherwise, it is used under the session's gate.
/// </summary>
internal sealed class SampleFailurePolicy
{
    private readonly IDataset _dataset;
    private readonly LoaderOptions _options;
    private readonly Quarantine _quarantine;
    private readonly HashSet<int>? _quarantined;
    private readonly LedgerBook _ledger;
    private readonly Action<LoaderEvent> _report;
    private readonly int _skipLimit;
    private Dictionary<(int Index, int KeyEpoch), SampleHistory>? _histories;
    private int _suspects;
    private int _failures;

    public SampleFailurePolicy(IDataset dataset, LoaderOptions options, Quarantine quarantine, LedgerBook ledger, EpochPlan plan, int epoch, Action<LoaderEvent> report)
    {
        _dataset = dataset;
        _options = options;
        _quarantine = quarantine;
        // What is put into quarantine from now on counts from the next epoch, so that the stream does not depend on when it happens.
        foreach (QuarantineEntry entry in quarantine.CountingIn(epoch))
            (_quarantined ??= []).Add(entry.SampleIndex);
        _ledger = ledger;
        _report = report;
        Epoch = epoch;
        // The budget is that of all ranks; one that uses it up alone need not ask the others.
        _skipLimit = options.MaxSkippedOf(plan.PlaceCount);
    }

    /// <summary>The epoch, from 0.</summary>
    public int Epoch { get; }

    /// <summary>
    /// Whether any sample has failed. A thread that has claimed a sample may read it without the gate: that sample's failures were entered before the claim.
    /// </summary>
    public bool KnowsFailures => Volatile.Read(ref _histories) is not null;

    /// <summary>Whether a sample was in quarantine when the epoch began.</summary>
    public bool IsQuarantined(int index) => _quarantined is not null && _quarantined.Contains(index);

    /// <summary>Notes that a sample failed at a worker; whether it is given up.</summary>
    public bool OnFailed(int index, int keyEpoch, string worker, SampleException failure)
    {
        SampleHistory history = HistoryOf(index, keyEpoch);
        history.AddFailure(failure);
        _report(SampleEvent(LoaderEventKind.SampleFailed, index, _dataset.NameOf(index), worker, failure.Message));
        return Judge(history, index, worker, failure.Message);
    }

    /// <summary>Notes that a worker was lost with a sample; whether the sample is given up.</summary>
    public bool OnLost(int index, int keyEpoch, string worker, string reason, WorkerLoss loss)
    {
        SampleHistory history = HistoryOf(index, keyEpoch);
        bool wasSuspect = history.IsSuspect;
        history.AddLoss($"worker {worker} {reason}", loss);
        if (history.IsSuspect && !wasSuspect)
            _suspects++;
        return Judge(history, index, worker, $"worker {worker} {reason}");
    }

    /// <summary>Notes that a sample that was tried before is delivered.</summary>
    public void OnDelivered(int index, int keyEpoch)
    {
        if (_suspects > 0 && _histories?.GetValueOrDefault((index, keyEpoch)) is { IsSuspect: true })
            _suspects--;
    }

    /// <summary>Notes that a worker failed; whether there have been too many.</summary>
    public bool CountWorkerFailure()
    {
        _failures++;
        _ledger.WorkerFailures++;
        // While a sample is in doubt, workers go on for twice as many failures: only they may find out whether it kills its process.
        return _failures >= _options.MaxErrors && (_suspects == 0 || _failures >= (2 * _options.MaxErrors) + 2);
    }

    /// <summary>Where a sample may be loaded now that there is no worker; one that may be nowhere is condemned.</summary>
    public InPlaceVerdict JudgeInPlace(int index, int keyEpoch)
    {
        if (_histories?.GetValueOrDefault((index, keyEpoch)) is not { IsSuspect: true, IsBad: false } history)
            return InPlaceVerdict.Here;
        if (!history.HasCrashed)
            return InPlaceVerdict.Aside;
        // A worker crashed with it, and none is left to find out whether it was to blame.
        _suspects--;
        Condemn(history, index, _dataset.NameOf(index), "trainer");
        return InPlaceVerdict.Nowhere;
    }

    /// <summary>Enters a sample that will not be delivered into the books, or ends the stream with it.</summary>
    /// <param name="index">Its index in the dataset.</param>
    /// <param name="keyEpoch">The epoch that keys its randomness.</param>
    /// <param name="batch">The batch that goes without it.</param>
    /// <exception cref="SampleException">No sample may be skipped.</exception>
    /// <exception cref="SkipBudgetException">No further sample may be skipped.</exception>
    public void Skip(int index, int keyEpoch, int batch)
    {
        string name = _dataset.NameOf(index);
        SampleHistory? history = _histories?.GetValueOrDefault((index, keyEpoch));
        string reason = history is not null ? Evidence.Text(history.Evidence) : _quarantine.ReasonFor(index);
        if (_options.OnBadSample == BadSamplePolicy.Fail)
        {
            string path = history?.Path ?? "";
            // A sentence that names the file needs nothing added.
            throw new SampleException(
                history is not null && !history.IsSuspect ? history.Evidence[^1] : $"The sample {index} ({name}) can't be loaded: {reason}.",
                path.Length > 0 ? path : name);
        }

        if (history is null)
            _ledger.Add(new LedgerEntry(LedgerAction.Quarantined, index, name, "", reason));
        else
            _quarantine.Confirm(index, Epoch, batch);
        _ledger.Add(new LedgerEntry(LedgerAction.Skipped, index, name, "", reason));
        // Why it is in quarantine was told when it came there.
        string told = history is { IsLasting: true } ? "it is in quarantine" : reason;
        _report(SampleEvent(LoaderEventKind.SampleSkipped, index, name, "", $"Sample {index} ({name}) is skipped: {told}."));
        if (_ledger.Skipped <= _skipLimit)
            return;
        throw SkipBudgetException.Of(Epoch, _ledger.Entries, _skipLimit, _options);
    }

    private static LoaderEvent SampleEvent(LoaderEventKind kind, int index, string sample, string worker, string message) =>
        new(kind, message) { SampleIndex = index, Sample = sample, Worker = worker.Length > 0 ? worker : null };

    private SampleHistory HistoryOf(int index, int keyEpoch)
    {
        _histories ??= [];
        if (!_histories.TryGetValue((index, keyEpoch), out SampleHistory? history))
            _histories.Add((index, keyEpoch), history = new SampleHistory());
        return history;
    }

    private bool Judge(SampleHistory history, int index, string worker, string reason)
    {
        string name = _dataset.NameOf(index);
        if (!history.IsBad)
        {
            _ledger.Add(new LedgerEntry(LedgerAction.Retried, index, name, worker, reason));
            _report(SampleEvent(LoaderEventKind.SampleRetried, index, name, worker, $"Sample {index} ({name}) is loaded again: {reason}"));
            return false;
        }

        if (history.IsSuspect)
            _suspects--;
        Condemn(history, index, name, worker);
        return true;
    }

    /// <summary>Puts a sample into quarantine, unless what ails it may be mended without its files: then the next epoch tries it again.</summary>
    private void Condemn(SampleHistory history, int index, string name, string worker)
    {
        if (!history.IsLasting)
            return;
        string evidence = Evidence.Text(history.Evidence);
        _ledger.Add(new LedgerEntry(LedgerAction.Quarantined, index, name, worker, evidence));
        _report(SampleEvent(LoaderEventKind.SampleQuarantined, index, name, worker, $"Sample {index} ({name}) is in quarantine: {evidence}."));
        try
        {
            _quarantine.Add(index, Epoch, history.Evidence);
        }
        catch (LoaderException exception)
        {
            // The stream is whole without the file; a later run will find out for itself.
            _report(SampleEvent(LoaderEventKind.QuarantineNotWritten, index, name, worker, exception.Message));
        }
    }
}

/// <summary>Where a sample may be loaded once there is no worker.</summary>
internal enum InPlaceVerdict
{
    /// <summary>In the consumer's thread.</summary>
    Here,

    /// <summary>Beside the consumer's thread, which it must not hold up.</summary>
    Aside,

    /// <summary>Nowhere in the consumer's process.</summary>
    Nowhere,
}

/// <summary>What happened to a sample at each attempt, for people.</summary>
internal static class Evidence
{
    /// <summary>One clause, without its end; what happened several times is said once.</summary>
    public static string Text(IEnumerable<string> happened) => string.Join("; then ", happened
        .GroupBy(sentence => sentence.TrimEnd('.'))
        .Select(same => same.Count() == 1 ? same.Key : $"{same.Key} ({same.Count()} times)"));
}

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
