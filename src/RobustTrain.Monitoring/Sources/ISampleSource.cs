namespace RobustTrain.Monitoring.Sources;

/// <summary>Where a monitor's samples come from. All but <see cref="Interrupt"/> is called on the monitor's own thread.</summary>
/// <typeparam name="T">A sample.</typeparam>
public interface ISampleSource<out T> : IDisposable
{
    /// <summary>What it is, for people: <c>NVML</c>, <c>ssh gpu01</c>.</summary>
    string Name { get; }

    /// <summary>Takes one sample. Opens whatever it needs, and opens it again after a failure.</summary>
    /// <exception cref="MonitorException">No sample could be taken; the message says why.</exception>
    T Sample(SampleDetail detail);

    /// <summary>
    /// Makes a running <see cref="Sample"/> return soon, where that is possible (a connection can be cut, a call into a driver cannot).
    /// Called on any thread; does not wait. A source that always answers at once has nothing to do.
    /// </summary>
    void Interrupt()
    {
    }
}

/// <summary>How much a sample reads.</summary>
public enum SampleDetail
{
    /// <summary>What costs little; the rest is carried over from the last full sample.</summary>
    Cheap,

    /// <summary>Everything, process lists and throughput counters included.</summary>
    Full,
}
