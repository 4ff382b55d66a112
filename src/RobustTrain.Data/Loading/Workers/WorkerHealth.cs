namespace RobustTrain.Data.Loading.Workers;

/// <summary>How a worker is.</summary>
public enum WorkerHealth
{
    /// <summary>It comes up.</summary>
    Starting,

    /// <summary>It works, or waits for work.</summary>
    Alive,

    /// <summary>It works, but its last samples could not be loaded.</summary>
    Failing,

    /// <summary>It stands still for longer than the timeout.</summary>
    Stuck,

    /// <summary>It is gone; another will take its seat.</summary>
    Dead,
}
