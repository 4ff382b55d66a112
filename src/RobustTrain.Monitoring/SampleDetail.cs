namespace RobustTrain.Monitoring;

/// <summary>How much a sample reads.</summary>
public enum SampleDetail
{
    /// <summary>What costs little; the rest is carried over from the last full sample.</summary>
    Cheap,

    /// <summary>Everything, process lists and throughput counters included.</summary>
    Full,
}
