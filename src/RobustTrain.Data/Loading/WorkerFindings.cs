namespace RobustTrain.Data.Loading;

/// <summary>What a monitor finds out about workers, in words and as events.</summary>
internal sealed unsafe class WorkerFindings(Ring ring, Func<int, string> nameOfSample)
{
    /// <summary>A worker has come up.</summary>
    public static LoaderEvent Ready(WorkerSeat seat) =>
        new(LoaderEventKind.WorkerReady, $"Worker {seat.Name} is ready.") { Worker = seat.Name, ProcessId = seat.Worker!.ProcessId };

    /// <summary>A worker could not be started.</summary>
    public static LoaderEvent NotStarted(WorkerSeat seat, string failure) =>
        new(LoaderEventKind.WorkerDied, $"Worker {seat.Name} could not be started: {failure}") { Worker = seat.Name };

    /// <summary>A worker is stuck: what it is doing, and what the system knows of it.</summary>
    public StuckWorker Stuck(WorkerSeat seat, TimeSpan limit)
    {
        WorkerCell* cell = ring.Cell(seat.Cell);
        string doing = (WorkerState)Volatile.Read(ref cell->State) switch
        {
            WorkerState.Loading => $"on sample {cell->SampleIndex} ({nameOfSample(cell->SampleIndex)}), in stage {cell->Stages.Stage.ToString().ToLowerInvariant()}",
            WorkerState.Starting => "while starting",
            _ => "without a sample",
        };
        return new StuckWorker(
            $"stood still for more than {limit.TotalSeconds:0.###} s {doing}; {seat.Worker!.DescribeActivity()}",
            OfSample(LoaderEventKind.WorkerStuck, seat, ""));
    }

    /// <summary>A worker has died. To be made before its seat is emptied.</summary>
    public LoaderEvent Died(WorkerSeat seat, string reason)
    {
        bool starting = seat.Health == WorkerHealth.Starting && Volatile.Read(ref ring.Cell(seat.Cell)->Beats) == 0;
        return OfSample(LoaderEventKind.WorkerDied, seat, $"Worker {seat.Name} died{(starting ? " while starting" : "")}: {reason}.");
    }

    private LoaderEvent OfSample(LoaderEventKind kind, WorkerSeat seat, string message)
    {
        WorkerCell* cell = ring.Cell(seat.Cell);
        bool loading = (WorkerState)Volatile.Read(ref cell->State) == WorkerState.Loading;
        return new LoaderEvent(kind, message)
        {
            Worker = seat.Name,
            ProcessId = seat.Worker!.ProcessId,
            SampleIndex = loading ? cell->SampleIndex : null,
            Sample = loading ? nameOfSample(cell->SampleIndex) : null,
        };
    }
}
