namespace RobustTrain.Monitoring;

/// <summary>A running monitor, whatever it watches.</summary>
public interface IMonitor : IDisposable
{
    /// <summary>How it is doing.</summary>
    MonitorHealth Health { get; }

    /// <summary>Begins to sample.</summary>
    void Start();

    /// <summary>Asks it to stop, at once and without waiting, so that many can stop side by side.</summary>
    void BeginStop();

    /// <summary>Stops it and waits until nothing of it runs, but no longer than the bound.</summary>
    /// <param name="bound">The longest wait for a call that has not returned.</param>
    /// <returns>Whether nothing of it runs; false where a call into the source has still not returned and was left behind.</returns>
    bool Stop(TimeSpan bound);
}
