using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform.Notifications;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Watches hosts in a job beside the shell.</summary>
[Cmdlet(VerbsLifecycle.Start, "Monitor")]
[OutputType(typeof(MonitorJob))]
public sealed class StartMonitorCommand : SourceCmdlet
{
    private readonly List<string> _hosts = [];
    private bool _all = true;
    private bool _hasInput;

    /// <summary>What of each host is watched.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public MonitorKinds[] Kind { get; set; } = [MonitorKinds.Gpu, MonitorKinds.Cpu];

    /// <summary>The time between samples.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How many samples minimum, maximum and mean are taken over.</summary>
    [Parameter]
    public int WindowSize { get; set; } = 10;

    /// <summary>The job's name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>Limits that raise and clear alerts.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(AlertCompleter))]
    [ValidateNotNullOrEmpty]
    public AlertRule[] Alert { get; set; } = [];

    /// <summary>Commands and webhooks that are told of each alert.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public NotificationTarget[] OnEvent { get; set; } = [];

    /// <summary>A file that records are appended to as JSON, one a line.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? OutputPath { get; set; }

    /// <summary>How many records the job's output holds; older ones are dropped and counted.</summary>
    [Parameter]
    [ValidateRange(1, 10_000_000)]
    public int OutputLimit { get; set; } = 10_000;

    /// <summary>Where this host's GPUs are read from.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(GpuSourceCompleter))]
    public GpuSourceSpec Source { get; set; } = GpuSourceSpec.Auto;

    /// <summary>Also reads the processes, less often than the rest.</summary>
    [Parameter]
    public SwitchParameter IncludeProcess { get; set; }

    /// <summary>Also reads each core.</summary>
    [Parameter]
    public SwitchParameter IncludeCore { get; set; }

    /// <summary>Hosts that come down the pipeline share one job.</summary>
    protected override Task ProcessRecordAsync(CancellationToken stopping)
    {
        _hasInput = true;
        _all &= ComputerName.Length == 0;
        _hosts.AddRange(ComputerName);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override async Task EndProcessingAsync(CancellationToken stopping)
    {
        if (!_hasInput)
        {
            await ThrowTerminatingErrorAsync(new MonitorException("NothingToWatch", Strings.Format("NothingToWatch")));
            return;
        }

        MonitorKinds kinds = Kind.Aggregate((one, other) => one | other);
        ComputerName = _all ? [] : [.. _hosts];
        RefuseSourceWithoutEffect(kinds.HasFlag(MonitorKinds.Gpu));
        if (IncludeCore && !kinds.HasFlag(MonitorKinds.Cpu))
            throw new MonitorException("IncludeCoreWithoutEffect", Strings.Format("IncludeCoreWithoutEffect"));

        if (OnEvent.Length > 0 && Alert.Length == 0)
            throw new MonitorException("OnEventWithoutAlert", Strings.Format("OnEventWithoutAlert"));

        var options = new MonitorSessionOptions
        {
            Kinds = kinds,
            ComputerNames = ComputerName,
            Sampling = new MonitorOptions
            {
                Interval = Interval,
                Timeout = Timeout,
                WindowSize = WindowSize,
                IncludeProcesses = IncludeProcess,
                IncludeCores = IncludeCore,
            },
            GpuSource = Source,
            Ssh = await SshOptionsAsync(),
            Alerts = Alert,
            OutputPath = OutputPath is null ? null : WritablePath.Full(await ResolvePathAsync(OutputPath)),
        };
        await OnPipelineThread(() =>
        {
            var job = new MonitorJob(options, OutputLimit, MyInvocation.Line.Trim(), Name, OnEvent);
            job.StartFor(this);
            WriteObject(job);
        });
    }
}
