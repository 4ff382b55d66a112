using RobustTrain.Data.Stacks;

namespace RobustTrain.Data.Loading;

/// <summary>Stands for a worker that could not be started.</summary>
internal sealed class NoWorker : IWorker
{
    public static NoWorker Instance { get; } = new();

    public int? ProcessId => null;

    public bool CanBeKilled => true;

    public bool IsStopped => false;

    public WorkerExit? Exit => new WorkerExit("not started", WorkerLoss.Crash);

    public void Kill()
    {
        // There is nothing to kill.
    }

    public bool Join(TimeSpan limit) => true;

    public string DescribeActivity() => "not started";

    public StackProbe AskForStack(Action ended) => throw new InvalidOperationException("There is no worker to be stuck.");

    public void Bequeath(SharedBlock block) => throw new InvalidOperationException("There is no worker to inherit.");

    public void Dispose()
    {
        // There is nothing to dispose of.
    }
}
