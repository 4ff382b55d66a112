namespace RobustTrain.Data;

/// <summary>What a loader's workers are.</summary>
public enum WorkerKind
{
    /// <summary>Threads of this process: the least cost.</summary>
    Thread,

    /// <summary>Processes that decode into shared memory: a crash or a hang in a decoder takes none but the worker. Linux only.</summary>
    Process,
}
