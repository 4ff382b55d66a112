namespace RobustTrain.Data.Loading;

/// <summary>Whom an injected fault befalls.</summary>
internal enum FaultyWorker
{
    /// <summary>A worker that is a thread.</summary>
    Thread,

    /// <summary>A worker that is a process.</summary>
    Process,

    /// <summary>The consumer's own thread, which no fault may end.</summary>
    Consumer,
}
