using System.Diagnostics;
using System.Globalization;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>
/// A worker that is a process. Its standard input is its life line: when the trainer is gone, however it went, the worker reads
/// the end of file and leaves; and the kernel kills it when the thread that started it ends, on Windows when the trainer ends.
/// </summary>
internal sealed class ProcessWorker : IWorker
{
    private const int KeptErrorLines = 8;
    private const int ToldErrorLines = 4;

    private readonly ChildProcess _process;

    public ProcessWorker(ProcessStartInfo start, byte[] specification, Action ended)
    {
        _process = ChildProcess.Start(start, ended: ended, keptErrorLines: KeptErrorLines, diesWithThis: true);
        try
        {
            // The worker's life line stays open behind it.
            _process.Input.BaseStream.Write(specification);
            _process.Input.BaseStream.Flush();
        }
        catch (IOException)
        {
            // It died before it read a word: its exit says how.
        }
    }

    public int? ProcessId => _process.Id;

    public bool CanBeKilled => true;

    public bool IsStopped => OperatingSystem.IsWindows() ? WindowsProcesses.IsSuspended(_process.Id) : ReadState() == "T";

    public WorkerExit? Exit => _process.ExitCode is { } code ? Describe(code) : null;

    public void Kill() => _process.Kill();

    public bool Join(TimeSpan limit) => _process.WaitForExit(limit) is not null;

    public string DescribeActivity()
    {
        if (!OperatingSystem.IsLinux())
            return $"process {ProcessId}{(IsStopped ? " stopped" : "")}";
        try
        {
            string? state = ReadState();
            string wait = File.ReadAllText($"/proc/{ProcessId}/wchan").Trim('0', '\n');
            string system = File.ReadAllText($"/proc/{ProcessId}/syscall").Split(' ')[0].Trim();
            string doing = state switch { "T" => "stopped", "D" => "waiting for a device", "R" => "running", "S" => "sleeping", _ => $"state {state}" };
            return $"process {ProcessId} {doing}{(wait.Length > 0 ? $" in {wait}" : "")}{(int.TryParse(system, CultureInfo.InvariantCulture, out int number) ? $", system call {number}" : "")}";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"process {ProcessId}";
        }
    }

    // A process's first thread has its process's id, and is the one that loads.
    public StackProbe AskForStack(Action ended) => new(_process.Id, _process.Id, ended);

    public void Keep(CountedBlock block) => throw new InvalidOperationException("A process has no memory of its trainer's to keep.");

    public void Dispose() => _process.Dispose();

    /// <summary>Linux's letter for what the process does (proc(5)); null where it is gone, and on other systems.</summary>
    private string? ReadState() => OperatingSystem.IsLinux() ? ProcessFiles.StatOf(_process.Id)?[0] : null;

    private WorkerExit Describe(int code)
    {
        string[] lines = [.. _process.ErrorLines.Select(line => line.Trim()).Where(line => line.Length > 0).TakeLast(ToldErrorLines)];
        string errors = lines.Length > 0 ? $": {string.Join(" ", lines)}" : "";
        return ExitStatus.Describe(code) is { } death
            ? new WorkerExit($"{death}{errors}", ExitStatus.IsKill(code) ? WorkerLoss.Kill : WorkerLoss.Crash)
            : new WorkerExit($"exited with code {code}{errors}", WorkerLoss.Crash);
    }
}

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
