using System.Diagnostics;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Loading.Ring;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>Starts processes as workers.</summary>
internal sealed class ProcessWorkerFactory
{
    private readonly SharedRingMemory _memory;
    private readonly DatasetDescription _dataset;
    private readonly FaultPlan? _faults;
    private readonly ProcessStartInfo _start;

    public ProcessWorkerFactory(SharedRingMemory memory, DatasetDescription dataset, FaultPlan? faults, WorkerCommand command)
    {
        _memory = memory;
        _dataset = dataset;
        _faults = faults;
        _start = new ProcessStartInfo(command.FileName, command.Arguments);
        // A worker decodes in one thread and keeps little: no background collector, no profile-guided second compilation, small heaps.
        _start.Environment["DOTNET_gcServer"] = "0";
        _start.Environment["DOTNET_gcConcurrent"] = "0";
        _start.Environment["DOTNET_TieredPGO"] = "0";
        _start.Environment["DOTNET_EnableDiagnostics"] = "0";
        _start.Environment["DOTNET_GCgen0size"] = "0x400000";
    }

    /// <summary>Starts a worker of a number.</summary>
    /// <param name="number">The number.</param>
    /// <param name="ended">To be called when it has ended, from any thread.</param>
    public IWorker Start(int number, Action ended)
    {
        RingLayout layout = _memory.Layout;
        WorkerSpecification specification = new(
            Environment.ProcessId,
            _memory.Path,
            layout.SlotCount,
            layout.BatchSize,
            layout.WorkerCapacity,
            layout.SlotBytes,
            number,
            _dataset,
            _faults?.ToString(),
            _faults?.StallSeconds ?? 0);
        return new ProcessWorker(_start, specification.ToBytes(), ended);
    }
}
