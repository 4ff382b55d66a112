namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// The checkpoints in memory that are not on disk yet, the oldest first. However long a full disk refuses, no more than three copies
/// of the training are held: the one being written, the newest, and the newest best. The memory of one is used again.
/// </summary>
internal sealed class CheckpointQueue
{
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingCheckpoint> _waiting = new();
    private CheckpointDraft? _free;
    private PendingCheckpoint? _begun;

    /// <summary>Whether everything is on disk.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_gate)
                return _waiting.Count == 0 && _begun is null;
        }
    }

    /// <summary>Whether there is one that nobody writes yet.</summary>
    public bool IsAnyWaiting
    {
        get
        {
            lock (_gate)
                return _waiting.Count > 0;
        }
    }

    /// <summary>The copies of the training that are held, for the next use too.</summary>
    public int Copies
    {
        get
        {
            lock (_gate)
                return _waiting.Append(_begun).Count(pending => pending?.Draft is not null) + (_free is null ? 0 : 1);
        }
    }

    /// <summary>An empty draft for the newest, in memory that was used before where there is some.</summary>
    public CheckpointDraft TakeMemory()
    {
        lock (_gate)
        {
            DropSuperfluous(isNewestNeeded: false);
            CheckpointDraft draft = _free ?? new CheckpointDraft();
            _free = null;
            draft.Clear();
            return draft;
        }
    }

    /// <summary>Adds the newest; what it makes superfluous goes, apart from files that are to be on disk.</summary>
    public void Add(PendingCheckpoint pending)
    {
        lock (_gate)
        {
            _waiting.AddLast(pending);
            DropSuperfluous();
        }
    }

    /// <summary>The oldest, which is being written from now on; null where there is none.</summary>
    public PendingCheckpoint? Begin()
    {
        lock (_gate)
        {
            _begun = _waiting.First?.Value;
            if (_begun is not null)
                _waiting.RemoveFirst();
            return _begun;
        }
    }

    /// <summary>It is on disk.</summary>
    public void End(PendingCheckpoint written)
    {
        lock (_gate)
        {
            _begun = null;
            Free(written);
        }
    }

    /// <summary>The disk has refused it: it is the first again.</summary>
    public void Keep(PendingCheckpoint refused)
    {
        lock (_gate)
        {
            _begun = null;
            _waiting.AddFirst(refused);
            DropSuperfluous();
        }
    }

    private void DropSuperfluous(bool isNewestNeeded = true)
    {
        PendingCheckpoint? best = _waiting.LastOrDefault(pending => pending.Label.IsBest);
        LinkedListNode<PendingCheckpoint>? next;
        for (LinkedListNode<PendingCheckpoint>? node = _waiting.First; node is not null; node = next)
        {
            next = node.Next;
            if (node.Value == best || (next is null && isNewestNeeded))
                continue;
            Free(node.Value);
            node.Value = node.Value with { Draft = null };
            if (node.Value.WriteFiles is null)
                _waiting.Remove(node);
        }
    }

    private void Free(PendingCheckpoint pending) => _free = pending.Draft ?? _free;
}
