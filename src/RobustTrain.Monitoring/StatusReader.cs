using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring;

/// <summary>Answers "what is it now?" without a monitor: this host's sources stay open between questions, other hosts are asked over a connection each.</summary>
public sealed class StatusReader : IDisposable
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Source, bool Processes, bool Throughput), OnDemandReader<GpuSnapshot>> _gpus = [];
    private readonly ChildGuard _guard = new();
    private bool _disposed;

    /// <summary>This host's GPUs.</summary>
    /// <param name="spec">Where they are read from.</param>
    /// <param name="options">How to sample.</param>
    /// <param name="stopping">Ends the wait.</param>
    /// <exception cref="MonitorException">The GPUs could not be read.</exception>
    public async Task<IReadOnlyList<GpuStatus>> ReadGpusAsync(GpuSourceSpec spec, MonitorOptions options, CancellationToken stopping)
    {
        options.Validate();
        OnDemandReader<GpuSnapshot>? reader;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            (string, bool, bool) key = (spec.Text, options.IncludeProcesses, options.IncludeThroughput);
            if (!_gpus.TryGetValue(key, out reader))
                _gpus[key] = reader = new OnDemandReader<GpuSnapshot>(() => spec.Create(LocalHost.Name, options, _guard), Idle, options.TimeProvider);
        }

        long begin = options.TimeProvider.GetTimestamp();
        GpuSnapshot snapshot = await reader.ReadAsync(SampleDetail.Full, options.Timeout, stopping).ConfigureAwait(false);
        foreach (GpuStatus gpu in snapshot.Gpus)
            gpu.SampleMilliseconds = options.TimeProvider.GetElapsedTime(begin).TotalMilliseconds;
        return snapshot.Gpus;
    }

    /// <summary>This host's CPU, its shares of time over a short while.</summary>
    /// <param name="options">How to sample.</param>
    /// <param name="window">The while.</param>
    /// <param name="stopping">Ends the wait.</param>
    /// <exception cref="MonitorException">The CPU could not be read.</exception>
    public static async Task<CpuStatus> ReadCpuAsync(MonitorOptions options, TimeSpan window, CancellationToken stopping)
    {
        options.Validate();
        using ISampleSource<CpuStatus> source = LocalHost.CpuSource(options);
        source.Sample(SampleDetail.Full);
        await Task.Delay(window, options.TimeProvider, stopping).ConfigureAwait(false);
        return source.Sample(SampleDetail.Full);
    }

    /// <summary>Another host.</summary>
    /// <param name="computerName">The host, as the operator's ssh configuration knows it.</param>
    /// <param name="kinds">What to read.</param>
    /// <param name="options">How to sample.</param>
    /// <param name="ssh">How to reach it.</param>
    /// <param name="window">The while over which shares of time are taken.</param>
    /// <param name="stopping">Ends the wait, and the connection.</param>
    /// <exception cref="MonitorException">The host could not be read.</exception>
    public async Task<HostSnapshot> ReadHostAsync(
        string computerName, MonitorKinds kinds, MonitorOptions options, SshOptions ssh, TimeSpan window, CancellationToken stopping)
    {
        options.Validate();
        using var reader = new OnDemandReader<HostSnapshot>(() => new SshSource(computerName, kinds, options, ssh, _guard), Idle, options.TimeProvider);
        HostSnapshot snapshot = await reader.ReadAsync(SampleDetail.Full, options.Timeout, stopping).ConfigureAwait(false);
        if (!kinds.HasFlag(MonitorKinds.Cpu))
            return snapshot;
        await Task.Delay(window, options.TimeProvider, stopping).ConfigureAwait(false);
        return await reader.ReadAsync(SampleDetail.Full, options.Timeout, stopping).ConfigureAwait(false);
    }

    /// <summary>Lets go of all sources; waits a fraction of a second at most.</summary>
    public void Dispose()
    {
        OnDemandReader<GpuSnapshot>[] readers;
        lock (_gate)
        {
            _disposed = true;
            readers = [.. _gpus.Values];
            _gpus.Clear();
        }

        foreach (OnDemandReader<GpuSnapshot> reader in readers)
            reader.Dispose();
        _guard.Dispose();
    }
}
