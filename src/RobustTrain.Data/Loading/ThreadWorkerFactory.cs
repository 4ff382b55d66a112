namespace RobustTrain.Data.Loading;

/// <summary>Starts threads as workers.</summary>
internal sealed class ThreadWorkerFactory(Ring ring, IDataset dataset, FaultPlan? faults, long seed) : IWorkerFactory
{
    public string Kind => "thread";

    public IWorker Start(int cell, Action ended)
    {
        FaultInjector? injector = faults is null ? null : new FaultInjector(faults, seed, FaultyWorker.Thread);
        return new ThreadWorker(ring, new WorkerLoop(ring, dataset, cell, injector), cell, ended);
    }
}
