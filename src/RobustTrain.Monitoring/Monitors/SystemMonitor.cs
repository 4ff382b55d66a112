using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Monitors;

/// <summary>
/// Watches a host: its CPU and all its GPUs, which are discovered. On this host each has a monitor of its own, so that a driver that hangs does
/// not hide the CPU; another host has one connection for both.
/// </summary>
public sealed class SystemMonitor : IDisposable
{
    private readonly List<IMonitor> _monitors = [];
    private readonly ChildGuard? _ownGuard;
    private CpuMonitor? _cpu;
    private GpuMonitor? _gpu;
    private HostMonitor? _host;

    private SystemMonitor(string computerName, ChildGuard? ownGuard)
    {
        ComputerName = computerName;
        _ownGuard = ownGuard;
    }

    /// <summary>Raised with what a sample told, stale or not, in order for each source, on a thread of the monitor.</summary>
    public event Action<IReadOnlyList<StatusRecord>>? Published;

    /// <summary>The host.</summary>
    public string ComputerName { get; }

    /// <summary>How its monitors are doing.</summary>
    public IReadOnlyList<MonitorHealth> Health => [.. _monitors.Select(monitor => monitor.Health)];

    /// <summary>The last known status; never waits.</summary>
    public SystemStatus Latest => _host is not null
        ? new SystemStatus(ComputerName, _host.Latest?.Cpu, _host.Latest?.Gpus ?? [])
        : new SystemStatus(ComputerName, _cpu?.Latest, _gpu?.Latest?.Gpus ?? []);

    /// <summary>A monitor of this host; it samples nothing until it is started.</summary>
    /// <param name="kinds">What to watch.</param>
    /// <param name="options">How to sample; null for the defaults.</param>
    /// <param name="gpuSource">Where GPUs are read from; null for the best there is.</param>
    /// <param name="guard">Ends child processes with this process; null to have one of its own.</param>
    public static SystemMonitor Local(
        MonitorKinds kinds = MonitorKinds.Gpu | MonitorKinds.Cpu, MonitorOptions? options = null, GpuSourceSpec? gpuSource = null, ChildGuard? guard = null)
    {
        options ??= new MonitorOptions();
        options.Validate();
        string computerName = LocalHost.Name;
        var monitor = new SystemMonitor(computerName, guard is null ? new ChildGuard() : null);
        if (kinds.HasFlag(MonitorKinds.Cpu))
            monitor.Add(monitor._cpu = new CpuMonitor(computerName, LocalHost.CpuSource(options), options), status => [status]);
        if (kinds.HasFlag(MonitorKinds.Gpu))
        {
            ISampleSource<GpuSnapshot> source = (gpuSource ?? GpuSourceSpec.Auto).Create(computerName, options, guard ?? monitor._ownGuard!);
            monitor.Add(monitor._gpu = new GpuMonitor(computerName, source, options), snapshot => snapshot.Gpus);
        }

        return monitor;
    }

    /// <summary>A monitor of another host over ssh; it connects when it is started.</summary>
    /// <param name="computerName">The host, as the operator's ssh configuration knows it.</param>
    /// <param name="kinds">What to watch.</param>
    /// <param name="options">How to sample; null for the defaults.</param>
    /// <param name="ssh">How to call the client; null for the operator's own configuration.</param>
    /// <param name="guard">Ends child processes with this process; null to have one of its own.</param>
    /// <exception cref="MonitorException">The name is not a valid host name.</exception>
    public static SystemMonitor Remote(
        string computerName, MonitorKinds kinds = MonitorKinds.Gpu | MonitorKinds.Cpu, MonitorOptions? options = null, SshOptions? ssh = null, ChildGuard? guard = null)
    {
        options ??= new MonitorOptions();
        ssh ??= new SshOptions();
        options.Validate();
        ssh.Arguments(computerName, options.Timeout);
        var monitor = new SystemMonitor(computerName, guard is null ? new ChildGuard() : null);
        var source = new SshSource(computerName, kinds, options, ssh, guard ?? monitor._ownGuard!);
        monitor.Add(
            monitor._host = new HostMonitor(computerName, kinds, source, options),
            snapshot => [.. snapshot.Cpu is null ? (IEnumerable<StatusRecord>)[] : [snapshot.Cpu], .. snapshot.Gpus ?? []]);
        return monitor;
    }

    /// <summary>Begins to sample.</summary>
    public void Start()
    {
        foreach (IMonitor monitor in _monitors)
            monitor.Start();
    }

    /// <summary>Asks it to stop, without waiting.</summary>
    public void BeginStop()
    {
        foreach (IMonitor monitor in _monitors)
            monitor.BeginStop();
    }

    /// <summary>Stops it and waits until nothing of it runs, but no longer than the bound.</summary>
    /// <returns>Whether nothing of it runs.</returns>
    public bool Stop(TimeSpan bound)
    {
        BeginStop();
        long begin = TimeProvider.System.GetTimestamp();
        bool ended = true;
        foreach (IMonitor monitor in _monitors)
        {
            TimeSpan left = bound - TimeProvider.System.GetElapsedTime(begin);
            ended &= monitor.Stop(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }

        _ownGuard?.Dispose();
        return ended;
    }

    /// <summary>Stops it within half a second.</summary>
    public void Dispose() => Stop(IMonitor.StopBound);

    private void Add<T>(MonitorBase<T> monitor, Func<T, IReadOnlyList<StatusRecord>> records)
        where T : class
    {
        monitor.Published += sample => Published?.Invoke(records(sample));
        _monitors.Add(monitor);
    }
}
