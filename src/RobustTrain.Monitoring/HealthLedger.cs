namespace RobustTrain.Monitoring;

/// <summary>What a monitor has lived through so far. Used under the monitor's lock.</summary>
internal sealed class HealthLedger
{
    private long taken, missed, abandoned, errors;
    private string? lastError;
    private DateTimeOffset? lastErrorTime, lastSampleTime;
    private TimeSpan cpuTime;
    private SampleCost lastCost;

    /// <summary>The monitor's state.</summary>
    public MonitorState State { get; set; } = MonitorState.Created;

    /// <summary>Since when the values are stale; null where they are current.</summary>
    public DateTimeOffset? StaleSince { get; private set; }

    /// <summary>A call has returned, with whatever.</summary>
    public void Returned(SampleCost cost)
    {
        cpuTime += cost.Cpu;
        lastCost = cost;
    }

    /// <summary>A sample was taken.</summary>
    public void Took(DateTimeOffset now)
    {
        taken++;
        lastSampleTime = now;
        StaleSince = null;
        State = MonitorState.Connected;
    }

    /// <summary>A sample failed.</summary>
    public void Failed() => errors++;

    /// <summary>A call was given up.</summary>
    public void Abandoned() => abandoned++;

    /// <summary>The monitor stopped without waiting for a call any longer.</summary>
    /// <param name="isCounted">Whether the call was given up before.</param>
    public void LeftBehind(bool isCounted)
    {
        if (State == MonitorState.StoppedWithCallAbandoned)
            return;

        State = MonitorState.StoppedWithCallAbandoned;
        if (!isCounted)
            abandoned++;
    }

    /// <summary>A tick came while a call that was given up had not returned.</summary>
    public void Missed() => missed++;

    /// <summary>A sample's listener failed.</summary>
    public void ListenerFailed(DateTimeOffset now, string error)
    {
        errors++;
        lastError = error;
        lastErrorTime = now;
    }

    /// <summary>The source could not be closed.</summary>
    public void CloseFailed(string error) => lastError = error;

    /// <summary>The last values are stale from now on, or still.</summary>
    /// <returns>Since when.</returns>
    public DateTimeOffset Stale(DateTimeOffset now, DateTimeOffset begin, string reason)
    {
        StaleSince ??= lastSampleTime ?? begin;
        lastError = reason;
        lastErrorTime = now;
        State = MonitorState.Stale;
        return StaleSince.Value;
    }

    /// <summary>All of it.</summary>
    public MonitorHealth ToHealth(string computerName, string source) => new()
    {
        ComputerName = computerName,
        Source = source,
        State = State,
        SamplesTaken = taken,
        SamplesMissed = missed,
        SamplesAbandoned = abandoned,
        Errors = errors,
        LastError = lastError,
        LastErrorTime = lastErrorTime,
        LastSampleTime = lastSampleTime,
        StaleSince = StaleSince,
        CpuTime = cpuTime,
        LastCost = lastCost,
    };
}
