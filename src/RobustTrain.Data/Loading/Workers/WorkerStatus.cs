namespace RobustTrain.Data.Loading.Workers;

/// <summary>A worker's slot as its monitor sees it.</summary>
/// <param name="Name">The slot's name, as in <c>process-1</c>.</param>
/// <param name="Health">How the worker is.</param>
/// <param name="ProcessId">Its process; null for a thread, or while there is none.</param>
/// <param name="Samples">The samples that the slot has loaded.</param>
/// <param name="Starts">How often a worker was started for the slot.</param>
/// <param name="SilentFor">How long its heartbeat has stood still.</param>
public sealed record WorkerStatus(string Name, WorkerHealth Health, int? ProcessId, long Samples, int Starts, TimeSpan SilentFor);

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

    /// <summary>It is gone; another will take its slot.</summary>
    Dead,
}
