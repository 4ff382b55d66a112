namespace RobustTrain.Data.Loading;

/// <summary>What took a worker from its sample.</summary>
internal enum WorkerLoss
{
    /// <summary>It was killed from outside, which says little about the sample.</summary>
    Kill,

    /// <summary>It ended by itself; whatever loads the sample next may end as well.</summary>
    Crash,

    /// <summary>It stood still.</summary>
    Stall,
}
