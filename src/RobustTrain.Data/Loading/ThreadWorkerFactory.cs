namespace RobustTrain.Data.Loading;

/// <summary>Starts threads as workers.</summary>
internal sealed class ThreadWorkerFactory(Ring ring, SampleLoading loading) : IWorkerFactory
{
    public string Kind => "thread";

    public IWorker Start(int cell, Action ended) => new ThreadWorker(ring, new WorkerLoop(ring, loading, cell), cell, ended);
}
