using System.Buffers;
using System.Text.Json;
using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring;

/// <summary>Several hosts watched together: one ordered stream of records, with alerts among them, and one end for all.</summary>
public sealed class MonitorSession : IDisposable
{
    private readonly Lock _sink = new();
    private readonly ChildGuard _guard = new();
    private readonly List<SystemMonitor> _systems = [];
    private readonly AlertEvaluator _alerts;
    private readonly bool _hasRules;
    private readonly NdjsonFile? _output;
    private readonly Dictionary<string, string?> _absences = new(StringComparer.OrdinalIgnoreCase);
    private volatile bool _stopping;
    private bool _closed;
    private long _sequence;
    private string? _outputError;

    /// <summary>Makes a session; it samples nothing until it is started.</summary>
    /// <exception cref="MonitorException">An option is out of range, a host name is not valid, or the output cannot be written.</exception>
    public MonitorSession(MonitorSessionOptions options)
    {
        options.Validate();
        _alerts = new AlertEvaluator(options.Alerts, options.Sampling.TimeProvider);
        _hasRules = options.Alerts.Count > 0;
        string[] hosts = [.. options.ComputerNames.Distinct(StringComparer.OrdinalIgnoreCase)];
        if (hosts.Length == 0)
            _systems.Add(SystemMonitor.Local(options.Kinds, options.Sampling, options.GpuSource, _guard));
        foreach (string host in hosts)
        {
            _systems.Add(LocalHost.Is(host)
                ? SystemMonitor.Local(options.Kinds, options.Sampling, options.GpuSource, _guard)
                : SystemMonitor.Remote(host, options.Kinds, options.Sampling, options.Ssh, _guard));
        }

        foreach (SystemMonitor system in _systems)
            system.Published += Publish;
        _output = options.OutputPath is null ? null : NdjsonFile.Open(options.OutputPath);
    }

    /// <summary>Raised with each record, in order, one at a time, on threads of the session; never after <see cref="Stop"/> has returned.</summary>
    public event Action<MonitorRecord>? Written;

    /// <summary>Raised once, where the output file can no longer be written, with the reason; the session goes on without it.</summary>
    public event Action<string>? OutputFailed;

    /// <summary>How each monitor is doing.</summary>
    public IReadOnlyList<MonitorHealth> Health => [.. _systems.SelectMany(system => system.Health)];

    /// <summary>The last known status of each host; never waits.</summary>
    public IReadOnlyList<SystemStatus> Latest => [.. _systems.Select(system => system.Latest)];

    /// <summary>Why the output file is no longer written; null where nothing is wrong.</summary>
    public string? OutputError => _outputError;

    /// <summary>Begins to sample.</summary>
    public void Start()
    {
        foreach (SystemMonitor system in _systems)
            system.Start();
    }

    /// <summary>Stops all hosts side by side and waits until nothing of them runs, but no longer than the bound. Safe to call again.</summary>
    /// <returns>Whether nothing runs; false where a call into a source has not returned and was left behind on its own thread.</returns>
    public bool Stop(TimeSpan bound)
    {
        _stopping = true;
        long begin = TimeProvider.System.GetTimestamp();
        foreach (SystemMonitor system in _systems)
            system.BeginStop();
        bool ended = true;
        foreach (SystemMonitor system in _systems)
        {
            TimeSpan left = bound - TimeProvider.System.GetElapsedTime(begin);
            ended &= system.Stop(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }

        Close(bound);
        return ended;
    }

    /// <summary>Stops it within half a second.</summary>
    public void Dispose() => Stop(IMonitor.StopBound);

    private void Close(TimeSpan bound)
    {
        _guard.Dispose();

        // A listener or a disk that hangs may hold the lock; the file is then left to the end of the process.
        if (!_sink.TryEnter(bound))
            return;
        try
        {
            if (!_closed)
                _output?.Dispose();
            _closed = true;
        }
        finally
        {
            _sink.Exit();
        }
    }

    private void Publish(IReadOnlyList<StatusRecord> statuses)
    {
        lock (_sink)
        {
            if (_stopping)
                return;
            for (int i = 0; i < statuses.Count; i++)
            {
                StatusRecord status = statuses[i];
                if (!IsRepeatedAbsence(status))
                    Emit(status);
                if (_hasRules)
                    EmitAlerts(status);
            }

            WriteOutput();
        }
    }

    private void EmitAlerts(StatusRecord status)
    {
        foreach (MonitorAlert alert in _alerts.Evaluate(status))
            Emit(alert);
    }

    // A host without GPUs says so once, and again only where the reason changes.
    private bool IsRepeatedAbsence(StatusRecord status)
    {
        if (status is not GpuStatus { Index: null })
        {
            if (_absences.Count > 0 && status is GpuStatus)
                _absences.Remove(status.ComputerName);
            return false;
        }

        if (_absences.TryGetValue(status.ComputerName, out string? told) && told == status.Error)
            return true;
        _absences[status.ComputerName] = status.Error;
        return false;
    }

    private void Emit(MonitorRecord record)
    {
        record.Sequence = ++_sequence;
        if (_outputError is null)
            _output?.Add(record);
        Written?.Invoke(record);
    }

    private void WriteOutput()
    {
        if (_output is null || _outputError is not null)
            return;
        try
        {
            _output.Write();
        }
        catch (IOException failure)
        {
            _outputError = $"The output file is no longer written: {failure.Message}";
            OutputFailed?.Invoke(_outputError);
        }
    }
}

/// <summary>
/// A file to which records are appended, one JSON object a line. Used under one lock. Each write lands at the file's end, wherever that is by then:
/// lines of another writer are not overwritten, and a file that logrotate's copytruncate has emptied begins anew. On Windows a second writer is
/// refused instead.
/// </summary>
internal sealed class NdjsonFile : IDisposable
{
    private readonly FileStream _file;
    private readonly ArrayBufferWriter<byte> _lines = new(16 * 1024);
    private readonly Utf8JsonWriter _json;

    private NdjsonFile(FileStream file)
    {
        _file = file;
        _json = new Utf8JsonWriter(_lines);
    }

    /// <summary>Opens the file, or makes it.</summary>
    /// <exception cref="MonitorException">It cannot be written.</exception>
    public static NdjsonFile Open(string path)
    {
        try
        {
            var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 0);
            try
            {
                if (!OperatingSystem.IsWindows())
                    PosixFile.AppendAlways(file.SafeFileHandle);
                return new NdjsonFile(file);
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (DirectoryNotFoundException failure)
        {
            throw new MonitorException("OutputFolderNotFound", $"The output file {path} cannot be made: its folder does not exist.", path, failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new MonitorException("OutputNotWritable", $"The output file {path} cannot be written: {failure.Message}", path, failure);
        }
    }

    /// <summary>Adds a record to what is written next.</summary>
    public void Add(MonitorRecord record)
    {
        _json.Reset();
        JsonSerializer.Serialize(_json, record, MonitorJson.Default.MonitorRecord);
        _json.Flush();
        _lines.Write("\n"u8);
    }

    /// <summary>Writes what was added, whole lines in one write.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Write()
    {
        try
        {
            if (OperatingSystem.IsWindows())
                _file.Write(_lines.WrittenSpan);
            else
                PosixFile.Append(_file.SafeFileHandle, _lines.WrittenSpan);
        }
        finally
        {
            _lines.ResetWrittenCount();
        }
    }

    public void Dispose()
    {
        _json.Dispose();
        _file.Dispose();
    }
}

/// <summary>What a session watches and where its output goes.</summary>
public sealed record MonitorSessionOptions
{
    /// <summary>What of each host is watched.</summary>
    public MonitorKinds Kinds { get; init; } = MonitorKinds.Gpu | MonitorKinds.Cpu;

    /// <summary>The hosts; none means this one.</summary>
    public IReadOnlyList<string> ComputerNames { get; init; } = [];

    /// <summary>How to sample.</summary>
    public MonitorOptions Sampling { get; init; } = new();

    /// <summary>Where this host's GPUs are read from.</summary>
    public GpuSourceSpec GpuSource { get; init; } = GpuSourceSpec.Auto;

    /// <summary>How other hosts are reached.</summary>
    public SshOptions Ssh { get; init; } = new();

    /// <summary>The limits.</summary>
    public IReadOnlyList<AlertRule> Alerts { get; init; } = [];

    /// <summary>A file to which records are appended as JSON, one a line; null for none.</summary>
    public string? OutputPath { get; init; }

    /// <summary>Checks the values.</summary>
    /// <exception cref="MonitorException">A value is out of range, or a rule watches what none of the kinds has.</exception>
    public void Validate()
    {
        Sampling.Validate();
        foreach (AlertRule rule in Alerts)
        {
            // It would never be raised, and nobody would hear why.
            if ((rule.Kinds & Kinds) == 0)
                throw new MonitorException("AlertNotWatched", $"The alert '{rule.Text}' watches {rule.Property}, which only a {rule.Kinds} status has, but only {Kinds} is watched.", rule);
        }
    }
}
