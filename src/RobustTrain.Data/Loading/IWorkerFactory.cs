namespace RobustTrain.Data.Loading;

/// <summary>Starts workers of one kind on one ring.</summary>
internal interface IWorkerFactory
{
    /// <summary>The kind's name, for the workers' names.</summary>
    string Kind { get; }

    /// <summary>Starts a worker. Called from the monitor's thread only.</summary>
    /// <param name="cell">The worker's cell.</param>
    /// <param name="ended">To be called when it has ended, from any thread.</param>
    /// <exception cref="Exception">It can't be started.</exception>
    IWorker Start(int cell, Action ended);
}
