namespace RobustTrain.Data.Loading;

/// <summary>What a worker says that it does.</summary>
internal enum WorkerState
{
    /// <summary>It has not come up yet.</summary>
    Starting,

    /// <summary>It waits for work.</summary>
    Idle,

    /// <summary>It loads a sample.</summary>
    Loading,

    /// <summary>It has left of its own accord.</summary>
    Left,
}
