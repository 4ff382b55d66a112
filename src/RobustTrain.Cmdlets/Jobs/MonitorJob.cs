using System.Collections;
using System.Management.Automation;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;
using RobustTrain.Platform.Notifications;

namespace RobustTrain.Cmdlets.Jobs;

/// <summary>
/// Hosts watched beside the shell: statuses and alerts are the job's output, in order. The output holds the newest records only; how many
/// older ones were dropped unread is counted. An alert is such a record and nothing else: as a warning too, Receive-Job would show it twice.
/// Changes of connection go to the debug stream.
/// </summary>
public sealed class MonitorJob : ManagedJob
{
    // Messages are for people; nobody reads more of them than this.
    private const int MostMessages = 1000;

    // The view that GPUs and CPUs share, where they come in one stream.
    private const string MixedView = "RobustTrain.Monitoring.MixedStatus";

    private readonly MonitorSession _session;
    private readonly bool _isMixed;
    private readonly Dictionary<string, bool> _connected = new(StringComparer.OrdinalIgnoreCase);
    private readonly AlertNotifications? _notifications;
    private long _dropped;

    internal MonitorJob(MonitorSessionOptions options, int outputLimit, string command, string? name, IReadOnlyList<NotificationTarget> onEvent)
        : base(nameof(MonitorJob), command, name)
    {
        Kind = options.Kinds;
        _isMixed = Kind == (MonitorKinds.Gpu | MonitorKinds.Cpu);
        ComputerName = options.ComputerNames.Count == 0 ? [LocalHost.Name] : [.. options.ComputerNames];
        Interval = options.Sampling.Interval;
        OutputLimit = outputLimit;
        OutputPath = options.OutputPath;
        _session = new MonitorSession(options);
        _session.Written += Take;
        _notifications = onEvent.Count == 0 ? null : new AlertNotifications(onEvent, sentence => Keep(Warning, new WarningRecord(sentence), MostMessages));
        _session.OutputFailed += reason => Keep(Warning, new WarningRecord(reason), MostMessages);
    }

    /// <summary>What of each host is watched.</summary>
    public MonitorKinds Kind { get; }

    /// <summary>The hosts.</summary>
    public IReadOnlyList<string> ComputerName { get; }

    /// <summary>The time between samples.</summary>
    public TimeSpan Interval { get; }

    /// <summary>The file that records are appended to; null for none.</summary>
    public string? OutputPath { get; }

    /// <summary>How many records the output holds.</summary>
    public int OutputLimit { get; }

    /// <summary>How many records were dropped from the output unread, because newer ones came.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>How each of its monitors is doing.</summary>
    public IReadOnlyList<MonitorHealth> Health => _session.Health;

    /// <summary>The last known status of each host.</summary>
    public IReadOnlyList<SystemStatus> Latest => _session.Latest;

    /// <summary>Samples taken by all of its monitors.</summary>
    public long SamplesTaken => Health.Sum(monitor => monitor.SamplesTaken);

    /// <summary>Ticks at which a monitor could not sample, because the sample before had not returned.</summary>
    public long SamplesMissed => Health.Sum(monitor => monitor.SamplesMissed);

    /// <summary>Samples given up after the timeout.</summary>
    public long SamplesAbandoned => Health.Sum(monitor => monitor.SamplesAbandoned);

    /// <summary>Samples that failed.</summary>
    public long Errors => Health.Sum(monitor => monitor.Errors);

    /// <summary>How many of its monitors have current values.</summary>
    public int Connected => Health.Count(monitor => monitor.State == MonitorState.Connected);

    /// <summary>The newest error of any of its monitors.</summary>
    public string? LastError => _session.OutputError ?? Health.Where(monitor => monitor.LastError is not null).MaxBy(monitor => monitor.LastErrorTime)?.LastError;

    /// <summary>The CPU time that its samples have taken, in milliseconds.</summary>
    public double CpuMilliseconds => Health.Sum(monitor => monitor.CpuTime.TotalMilliseconds);

    /// <inheritdoc/>
    public override string Location => string.Join(", ", ComputerName);

    /// <inheritdoc/>
    public override string StatusMessage
    {
        get
        {
            IReadOnlyList<MonitorHealth> health = Health;
            int stale = health.Count(monitor => monitor.State == MonitorState.Stale);
            string samples = Counted.Of(SamplesTaken, "sample");
            return stale == 0 ? samples : $"{samples}, {stale} of {Counted.Of(health.Count, "source")} stale: {LastError}";
        }
    }

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken stopping)
    {
        var ending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = stopping.Register(ending.SetResult);
        _session.Start();
        await ending.Task;
        _notifications?.Dispose();
        _session.Stop(IMonitor.StopBound);
    }

    /// <summary>Stops at once: a monitor has nothing to save.</summary>
    protected override void Abandon()
    {
        _notifications?.Dispose();
        _session.Stop(IMonitor.StopBound);
    }

    private void Take(MonitorRecord record)
    {
        if (record is StatusRecord status)
            NoteConnection(status);
        if (record is MonitorAlert alert)
            _notifications?.Take(alert);

        PSObject output = PSObject.AsPSObject(record);
        if (_isMixed && record is StatusRecord)
            output.TypeNames.Insert(0, MixedView);

        Keep(Output, output, OutputLimit);
    }

    private void NoteConnection(StatusRecord status)
    {
        string subject = status switch
        {
            GpuStatus { Index: { } index } => $"{status.ComputerName} GPU {index}",
            GpuStatus => $"{status.ComputerName} GPUs",
            _ => $"{status.ComputerName} CPU",
        };
        if (_connected.TryGetValue(subject, out bool before) && before == status.IsConnected)
            return;

        _connected[subject] = status.IsConnected;
        Keep(Debug, new DebugRecord(status.IsConnected ? $"{subject}: connected" : $"{subject}: {status.Error}"), MostMessages);
    }

    private void Keep<T>(PSDataCollection<T> stream, T item, int limit)
    {
        if (!stream.IsOpen)
            return;

        try
        {
            // Without the stream's lock: Receive-Job -Wait is told of the item within this call and takes a lock of its own, under which it
            // takes items out and needs this one.
            stream.Add(item);
        }
        catch (InvalidOperationException) when (!stream.IsOpen)
        {
            // The job was removed meanwhile; nobody reads it any more.
            return;
        }

        // Receive-Job takes items out under the same lock, so that none can vanish between the count and the removal.
        lock (((ICollection)stream).SyncRoot)
        {
            while (stream.Count > limit)
            {
                stream.RemoveAt(0);
                if (stream is PSDataCollection<PSObject>)
                    Interlocked.Increment(ref _dropped);
            }
        }
    }
}
