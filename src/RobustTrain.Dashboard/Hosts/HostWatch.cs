using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Dashboard.Hosts;

/// <summary>Watches hosts, and keeps their history.</summary>
internal sealed class HostWatch : IDisposable
{
    private const int LongestCommand = 200;

    private readonly Lock _gate = new();
    private readonly MonitorSession _session;
    private readonly HostHistory[] _history;
    private readonly AlertLog _alerts;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;

    /// <summary>Begins to watch.</summary>
    /// <param name="options">What is watched, and how.</param>
    /// <exception cref="MonitorException">A host's name is not valid.</exception>
    public HostWatch(MonitorSessionOptions options)
    {
        _time = options.Sampling.TimeProvider;
        _session = new MonitorSession(options);
        _alerts = new AlertLog([.. options.Alerts.Select(rule => rule.Text)]);
        _session.Written += _alerts.Take;
        _history = [.. _session.Latest.Select(_ => new HostHistory(options.Sampling.Interval))];
        _session.Start();
        _timer = _time.CreateTimer(_ => Note(), null, options.Sampling.Interval, options.Sampling.Interval);
    }

    /// <summary>The last known status of each host; never waits.</summary>
    public IReadOnlyList<SystemStatus> Latest => _session.Latest;

    /// <summary>The hosts, as the page is told them.</summary>
    /// <param name="runOf">The run whose process, by host and id, uses a GPU; null where none does.</param>
    public IReadOnlyList<HostView> View(Func<string, int, string?> runOf) => [.. _session.Latest.Select((status, index) => ViewOf(status, index, runOf))];

    /// <summary>What has passed the limits that are watched.</summary>
    public AlertsView Alerts => _alerts.View();

    /// <summary>A host's curves; null where there is no such host.</summary>
    /// <param name="index">The host's place.</param>
    /// <param name="isCoarse">Whether those of the day are asked for.</param>
    public HostHistoryView? HistoryOf(int index, bool isCoarse)
    {
        lock (_gate)
            return index >= 0 && index < _history.Length ? _history[index].View(isCoarse) : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        _session.Dispose();
    }

    private void Note()
    {
        IReadOnlyList<SystemStatus> latest = _session.Latest;
        lock (_gate)
        {
            for (int i = 0; i < latest.Count; i++)
                _history[i].Add(latest[i], _time.GetUtcNow());
        }
    }

    private static HostView ViewOf(SystemStatus status, int index, Func<string, int, string?> runOf)
    {
        string host = LocalHost.Is(status.ComputerName) ? Environment.MachineName : status.ComputerName;
        GpuStatus? absence = status.Gpus.FirstOrDefault(gpu => gpu.Index is null);
        return new HostView
        {
            Index = index,
            Name = status.ComputerName,
            IsConnected = status.Cpu?.IsConnected == true,
            Error = status.Cpu?.Error,
            NoGpu = absence?.Error,
            CpuPercent = status.Cpu?.UtilizationPercent,
            Cores = status.Cpu?.LogicalCores,
            Load = status.Cpu?.LoadAverage1,
            MemoryUsedBytes = status.Cpu?.MemoryUsedBytes,
            MemoryTotalBytes = status.Cpu?.MemoryTotalBytes,
            Gpus = [.. status.Gpus.Where(gpu => gpu.Index is not null).Select(gpu => ViewOf(gpu, host, runOf))],
        };
    }

    private static GpuView ViewOf(GpuStatus gpu, string host, Func<string, int, string?> runOf) => new()
    {
        Index = gpu.Index!.Value,
        Name = gpu.Name,
        IsConnected = gpu.IsConnected,
        Error = gpu.Error,
        UtilizationPercent = gpu.UtilizationPercent,
        MemoryUsedBytes = gpu.MemoryUsedBytes,
        MemoryTotalBytes = gpu.MemoryTotalBytes,
        TemperatureCelsius = gpu.TemperatureCelsius,
        PowerWatts = gpu.PowerWatts,
        PowerLimitWatts = gpu.PowerLimitWatts,
        Users = gpu.Processes is null ? null : [.. gpu.Processes.Select(process => new GpuUser(
            process.ProcessId,
            process.User,
            process.Command is { Length: > LongestCommand } command ? command[..LongestCommand] + "…" : process.Command,
            process.MemoryUsedBytes,
            runOf(host, process.ProcessId)))],
    };
}

/// <summary>A host, as the page is told it.</summary>
internal sealed record HostView
{
    /// <summary>Its place among the hosts, which names it in requests.</summary>
    public required int Index { get; init; }

    /// <summary>Its name, as the operator gave it.</summary>
    public required string Name { get; init; }

    /// <summary>Whether its figures are current.</summary>
    public bool IsConnected { get; init; }

    /// <summary>Why they are not.</summary>
    public string? Error { get; init; }

    /// <summary>Why it has no GPUs to show.</summary>
    public string? NoGpu { get; init; }

    /// <summary>All cores' utilisation.</summary>
    public double? CpuPercent { get; init; }

    /// <summary>Its logical cores.</summary>
    public int? Cores { get; init; }

    /// <summary>The load average of a minute.</summary>
    public double? Load { get; init; }

    /// <summary>Its memory in use.</summary>
    public long? MemoryUsedBytes { get; init; }

    /// <summary>All its memory.</summary>
    public long? MemoryTotalBytes { get; init; }

    /// <summary>Its GPUs.</summary>
    public required IReadOnlyList<GpuView> Gpus { get; init; }
}

/// <summary>A GPU, as the page is told it.</summary>
internal sealed record GpuView
{
    /// <summary>Its index on its host.</summary>
    public required int Index { get; init; }

    /// <summary>The product's name.</summary>
    public string? Name { get; init; }

    /// <summary>Whether its figures are current.</summary>
    public bool IsConnected { get; init; }

    /// <summary>Why they are not.</summary>
    public string? Error { get; init; }

    /// <summary>Its utilisation.</summary>
    public int? UtilizationPercent { get; init; }

    /// <summary>Its memory in use.</summary>
    public long? MemoryUsedBytes { get; init; }

    /// <summary>All its memory.</summary>
    public long? MemoryTotalBytes { get; init; }

    /// <summary>Its temperature.</summary>
    public int? TemperatureCelsius { get; init; }

    /// <summary>The power drawn.</summary>
    public double? PowerWatts { get; init; }

    /// <summary>The power limit.</summary>
    public double? PowerLimitWatts { get; init; }

    /// <summary>The processes that use it; null where they are not told.</summary>
    public IReadOnlyList<GpuUser>? Users { get; init; }
}

/// <summary>A process that uses a GPU.</summary>
/// <param name="ProcessId">Its id.</param>
/// <param name="User">Its owner.</param>
/// <param name="Command">Its command line, cut.</param>
/// <param name="MemoryUsedBytes">The GPU's memory that it uses.</param>
/// <param name="Run">The id of the run that it works on; null where it is no run of these.</param>
internal sealed record GpuUser(int ProcessId, string? User, string? Command, long? MemoryUsedBytes, string? Run);
