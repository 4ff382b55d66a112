using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform.Notifications;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Fleets;

/// <summary>Who chooses the hosts of a fleet's runs.</summary>
public enum FleetScheduler
{
    /// <summary>The fleet, over ssh.</summary>
    Ssh,

    /// <summary>Slurm.</summary>
    Slurm,
}

/// <summary>Keeps configurations going on hosts until all are finished, in a job beside the shell.</summary>
[Cmdlet(VerbsLifecycle.Start, "TrainingFleet", SupportsShouldProcess = true)]
[OutputType(typeof(TrainingFleetJob))]
public sealed class StartTrainingFleetCommand : FleetMemberCmdlet
{
    private readonly List<string> _configs = [];

    /// <summary>The job's name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>Who chooses the hosts.</summary>
    [Parameter]
    public FleetScheduler Scheduler { get; set; }

    /// <summary>Further options of sbatch.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] SlurmOption { get; set; } = [];

    /// <summary>A GPU must be used less than this, in percent.</summary>
    [Parameter]
    public double GpuUtilizationBelow { get; set; } = 50;

    /// <summary>So much of a GPU's memory must be free, in bytes.</summary>
    [Parameter]
    public long GpuMemoryFree { get; set; } = 12L << 30;

    /// <summary>A host's CPU must be used less than this, in percent.</summary>
    [Parameter]
    public double CpuUtilizationBelow { get; set; } = 80;

    /// <summary>So much memory must be free on a host, in bytes.</summary>
    [Parameter]
    public long MemoryFree { get; set; } = 4L << 30;

    /// <summary>So much must be free on the disk of the fleet's folder, in bytes.</summary>
    [Parameter]
    public long DiskFree { get; set; } = 1L << 30;

    /// <summary>A host's load must be less than this for each of its cores.</summary>
    [Parameter]
    public double LoadPerCoreBelow { get; set; } = 1;

    /// <summary>How many configurations for the CPU a host takes at once.</summary>
    [Parameter]
    public int Slots { get; set; } = 1;

    /// <summary>The time between two starts on one host.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan StartInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often a run is started again after failures in a row.</summary>
    [Parameter]
    public int MaxRestarts { get; set; } = 5;

    /// <summary>The wait before a run that has failed is started again; each further failure doubles it.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan Backoff { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A run that has made no step for so long is stopped and started again.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan StuckAfter { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How long a run that is to end may take for its checkpoint.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan StopGraceTime { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>A host that is silent for so long is lost, and its runs go on elsewhere.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan HostLostAfter { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a host may take to answer.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>By how much a host's clock may differ.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan ClockTolerance { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The time between two looks.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Where hosts read their GPUs from.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(GpuSourceCompleter))]
    [ValidateNotNullOrEmpty]
    public string Source { get; set; } = "auto";

    /// <summary>An ssh configuration in place of the operator's own.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? SshConfigPath { get; set; }

    /// <summary>Commands and webhooks that the fleet tells of its runs (finished, failed, stuck), of hosts that can't be used (alert) and of its own end.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public NotificationTarget[] OnEvent { get; set; } = [];

    /// <summary>Files that come down the pipeline share one fleet.</summary>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        try
        {
            _configs.AddRange(await ResolveConfigsAsync());
        }
        catch (RunException mistake)
        {
            // A fleet begins with all that was named, or not at all.
            await ThrowTerminatingErrorAsync(mistake);
        }
    }

    /// <inheritdoc/>
    protected override async Task EndProcessingAsync(CancellationToken stopping)
    {
        string path = await FleetPathAsync();
        string folder = await CurrentFolderAsync();
        string[] arguments =
        [
            "fleet", "run", .. MemberArguments(_configs.Distinct(StringComparer.Ordinal), path),
            "--scheduler", Scheduler.ToString(), .. SlurmOption.Select(option => $"--slurm-option={option}"),
            "--gpu-source", Source, .. SshConfigPath is { } config ? (string[])["--ssh-config", await ResolvePathAsync(config)] : [],
            .. Limits(),
        ];

        // Everything is checked before the job begins, so that a mistake is this cmdlet's error.
        List<TrainingFleetMember> members = [];
        await CallAsync(
            [.. arguments, "--dry-run"], "Start-TrainingFleet", path,
            happened =>
            {
                if (happened is FleetMemberChanged member)
                    members.Add(TrainingFleetMember.From(member));
            },
            stopping);
        if (!await ShouldProcessAsync(path, Strings.Format("StartTrainingFleetAction", string.Join(", ", members.Select(member => member.Name)), ComputerName.Length == 0 ? Scheduler == FleetScheduler.Slurm ? "Slurm" : "localhost" : string.Join(", ", ComputerName))))
            return;
        await OnPipelineThread(() =>
        {
            var job = new TrainingFleetJob([.. arguments, "--events", "--life-line"], path, folder, Words(), MyInvocation.Line.Trim(), Name, [.. OnEvent.Select(target => target.Text)]);
            job.StartFor(this);
            WriteObject(job);
        });
    }

    private IEnumerable<string> Limits()
    {
        (string Option, string Parameter, double Value)[] limits =
        [
            ("--gpu-utilization-below", nameof(GpuUtilizationBelow), GpuUtilizationBelow),
            ("--gpu-memory-free", nameof(GpuMemoryFree), Gibibytes(GpuMemoryFree)),
            ("--cpu-utilization-below", nameof(CpuUtilizationBelow), CpuUtilizationBelow),
            ("--memory-free", nameof(MemoryFree), Gibibytes(MemoryFree)),
            ("--disk-free", nameof(DiskFree), Gibibytes(DiskFree)),
            ("--load-per-core-below", nameof(LoadPerCoreBelow), LoadPerCoreBelow),
            ("--slots", nameof(Slots), Slots),
            ("--start-interval", nameof(StartInterval), StartInterval.TotalSeconds),
            ("--max-restarts", nameof(MaxRestarts), MaxRestarts),
            ("--backoff", nameof(Backoff), Backoff.TotalSeconds),
            ("--stuck-after", nameof(StuckAfter), StuckAfter.TotalSeconds),
            ("--stop-grace", nameof(StopGraceTime), StopGraceTime.TotalSeconds),
            ("--host-lost-after", nameof(HostLostAfter), HostLostAfter.TotalSeconds),
            ("--timeout", nameof(Timeout), Timeout.TotalSeconds),
            ("--clock-tolerance", nameof(ClockTolerance), ClockTolerance.TotalSeconds),
            ("--interval", nameof(Interval), Interval.TotalSeconds),
        ];

        // What was not given has the executable's own default.
        return limits.Where(limit => MyInvocation.BoundParameters.ContainsKey(limit.Parameter))
            .SelectMany(limit => (string[])[limit.Option, limit.Value.ToString("R", CultureInfo.InvariantCulture)]);
    }

    private static double Gibibytes(long bytes) => bytes / (double)(1L << 30);
}
