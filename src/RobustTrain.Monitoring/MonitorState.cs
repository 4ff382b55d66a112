namespace RobustTrain.Monitoring;

/// <summary>What a monitor is doing.</summary>
public enum MonitorState
{
    /// <summary>Made, not started.</summary>
    Created,

    /// <summary>Samples come.</summary>
    Connected,

    /// <summary>The last sample failed or does not return; the last values are stale.</summary>
    Stale,

    /// <summary>Stopped; nothing of it runs.</summary>
    Stopped,

    /// <summary>Stopped while a call into the source had not returned: its thread ends when the call does, or with the process.</summary>
    StoppedWithCallAbandoned,
}
