namespace RobustTrain.Data.Loading;

/// <summary>Who has which slot of a ring. Everything happens under the session's gate.</summary>
internal sealed unsafe class SlotTable(Ring ring, Predicate<int> isTakenAway)
{
    private readonly SlotUse[] _uses = new SlotUse[ring.SlotCount];

    /// <summary>Slots.</summary>
    public int Count => _uses.Length;

    /// <summary>Whether the consumer has every slot, so that waiting for one would be for ever.</summary>
    public bool AreAllHeld => Array.TrueForAll(_uses, use => use == SlotUse.Held);

    /// <summary>Who has a slot.</summary>
    public SlotUse this[int slot]
    {
        get => _uses[slot];
        set => _uses[slot] = value;
    }

    /// <summary>Whether workers may have samples of a slot.</summary>
    public bool IsWithWorkers(int slot) => _uses[slot] is SlotUse.Published or SlotUse.Draining;

    /// <summary>Finds a free slot, for the workers.</summary>
    public bool TryTake(out int slot)
    {
        for (slot = 0; slot < _uses.Length; slot++)
        {
            if (_uses[slot] == SlotUse.Draining && IsDrained(slot))
                _uses[slot] = SlotUse.Free;
            if (_uses[slot] == SlotUse.Free)
            {
                _uses[slot] = SlotUse.Published;
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes everything back from the workers; what they still have is dropped when they are done with it.</summary>
    public void Drain()
    {
        for (int slot = 0; slot < _uses.Length; slot++)
        {
            if (_uses[slot] != SlotUse.Published)
                continue;
            _uses[slot] = SlotUse.Draining;
            CancelPending(slot);
        }
    }

    private bool IsDrained(int slot)
    {
        CancelPending(slot);
        return !ring.IsInHands(slot) && !isTakenAway(slot);
    }

    /// <summary>Cancels what no worker has.</summary>
    private void CancelPending(int slot)
    {
        SampleTask* tasks = ring.Tasks(slot);
        int count = ring.Control(slot)->Count;
        for (int position = 0; position < count; position++)
        {
            int status = Volatile.Read(ref tasks[position].Status);
            if (!TaskStatus.IsFinal(status) && !TaskStatus.IsClaimed(status, out _) && status != TaskStatus.Held)
                Interlocked.CompareExchange(ref tasks[position].Status, TaskStatus.Cancelled, status);
        }
    }
}
