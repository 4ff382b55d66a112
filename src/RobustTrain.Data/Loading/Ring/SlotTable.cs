namespace RobustTrain.Data.Loading.Ring;

/// <summary>Who has which slot of a ring. Everything happens under the session's gate.</summary>
internal sealed unsafe class SlotTable(SampleRing ring)
{
    private readonly SlotState[] _states = new SlotState[ring.SlotCount];

    /// <summary>Slots.</summary>
    public int Count => _states.Length;

    /// <summary>Slots that an abandoned thread may still write to, until they have other memory.</summary>
    public HashSet<int> AwaitingMemory { get; } = [];

    /// <summary>Whether the consumer has every slot, so that waiting for one would be for ever.</summary>
    public bool AreAllHeld => Array.TrueForAll(_states, state => state == SlotState.Held);

    /// <summary>Who has a slot.</summary>
    public SlotState this[int slot]
    {
        get => _states[slot];
        set => _states[slot] = value;
    }

    /// <summary>Whether workers may have samples of a slot.</summary>
    public bool IsWithWorkers(int slot) => _states[slot] is SlotState.Published or SlotState.Draining;

    /// <summary>Finds a free slot, for the workers.</summary>
    public bool TryTake(out int slot)
    {
        for (slot = 0; slot < _states.Length; slot++)
        {
            if (_states[slot] == SlotState.Draining && IsDrained(slot))
                _states[slot] = SlotState.Free;
            if (_states[slot] == SlotState.Free)
            {
                _states[slot] = SlotState.Published;
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes everything back from the workers; what they still have is dropped when they are done with it.</summary>
    public void Drain()
    {
        for (int slot = 0; slot < _states.Length; slot++)
        {
            if (_states[slot] != SlotState.Published)
                continue;
            _states[slot] = SlotState.Draining;
            CancelPending(slot);
        }
    }

    private bool IsDrained(int slot)
    {
        CancelPending(slot);
        return !ring.IsInHands(slot) && !AwaitingMemory.Contains(slot);
    }

    /// <summary>Cancels what no worker has.</summary>
    private void CancelPending(int slot)
    {
        SampleTask* tasks = ring.Tasks(slot);
        int count = ring.Control(slot)->Count;
        for (int position = 0; position < count; position++)
        {
            int status = Volatile.Read(ref tasks[position].Status);
            if (!SampleStatus.IsFinal(status) && !SampleStatus.IsClaimed(status, out _) && status != SampleStatus.Held)
                Interlocked.CompareExchange(ref tasks[position].Status, SampleStatus.Cancelled, status);
        }
    }
}

/// <summary>Who has a slot.</summary>
internal enum SlotState
{
    /// <summary>Nobody.</summary>
    Free,

    /// <summary>The workers.</summary>
    Published,

    /// <summary>The consumer.</summary>
    Held,

    /// <summary>Workers, for a stream that is gone: free once they have let go.</summary>
    Draining,
}
