using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Dashboards;

/// <summary>Serves a page that shows runs and hosts, in a process of its own.</summary>
[Cmdlet(VerbsLifecycle.Start, "Dashboard")]
[OutputType(typeof(DashboardJob))]
public sealed class StartDashboardCommand : SourceCmdlet
{
    private static readonly CmdletWords s_words = CmdletWords.Plain with
    {
        Own = new Dictionary<string, string>
        {
            ["--port"] = "-Port",
            ["--listen"] = "-Listen",
            ["--host"] = "-ComputerName",
            ["--host-name"] = "-ListenName",
            ["--certificate"] = "-CertificatePath",
            ["--certificate-key"] = "-CertificateKeyPath",
            ["--token-file"] = "-TokenPath",
            ["--allow-control"] = "-AllowControl",
            ["--interval"] = "-Interval",
            ["--gpu-source"] = "-Source",
            ["--ssh-config"] = "-SshConfigPath",
            ["--timeout"] = "-Timeout",
            ["--alert"] = "-Alert",
        },
    };

    private readonly List<string> _hosts = [];
    private bool _all = true;

    /// <summary>The runs' folder.</summary>
    [Parameter(Position = 0)]
    [FromObject("FullName", "RunPath")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = ".";

    /// <summary>The port; 0 takes one that is free.</summary>
    [Parameter]
    [ValidateRange(0, 65535)]
    public int Port { get; set; } = 8765;

    /// <summary>An address of this machine on which others are served, too.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ListenAddressCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Listen { get; set; }

    /// <summary>Names under which others call this machine.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] ListenName { get; set; } = [];

    /// <summary>The certificate, for TLS.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? CertificatePath { get; set; }

    /// <summary>The certificate's key, where it is in another file.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? CertificateKeyPath { get; set; }

    /// <summary>A file with the token.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? TokenPath { get; set; }

    /// <summary>The page may stop and resume runs.</summary>
    [Parameter]
    public SwitchParameter AllowControl { get; set; }

    /// <summary>The time between two samples of a host.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Where this host's GPUs are read from.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(GpuSourceCompleter))]
    public GpuSourceSpec Source { get; set; } = GpuSourceSpec.Auto;

    /// <summary>Limits that raise and clear alerts on the page.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(AlertCompleter))]
    [ValidateNotNullOrEmpty]
    public AlertRule[] Alert { get; set; } = [];

    /// <summary>The job's name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>Hosts that come down the pipeline share one page.</summary>
    protected override Task ProcessRecordAsync(CancellationToken stopping)
    {
        _all &= ComputerName.Length == 0;
        _hosts.AddRange(ComputerName);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override async Task EndProcessingAsync(CancellationToken stopping)
    {
        ComputerName = _all ? [] : [.. _hosts];
        RefuseSourceWithoutEffect();
        DashboardRequest request = new()
        {
            Path = await ResolvePathAsync(Path),
            WorkingFolder = await CurrentFolderAsync(),
            ComputerName = ComputerName,
            AllowControl = AllowControl,
            Options = [.. await OptionsAsync()],
            Words = s_words,
        };
        DashboardJob job = await OnPipelineThread(() =>
        {
            var made = new DashboardJob(request, MyInvocation.Line.Trim(), Name);
            made.StartFor(this);
            return made;
        });
        try
        {
            DashboardStarted started = await job.Started.WaitAsync(stopping);
            foreach (WarningRecord warning in await OnPipelineThread(job.Warning.ReadAll))
                await WriteWarningAsync(warning.Message);
            await WriteHostAsync(Strings.Format("DashboardServed", started.Url));
        }
        catch
        {
            // A page that was never there leaves no job behind.
            job.StopJob();
            await job.Ended;
            await OnPipelineThread(job.Forget);
            throw;
        }

        await WriteObjectAsync(job);
    }

    private async Task<IEnumerable<string>> OptionsAsync()
    {
        List<string> options =
        [
            "--port", Port.ToString(CultureInfo.InvariantCulture),
            "--interval", Interval.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            "--timeout", Timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            "--gpu-source", Source.Text,
        ];
        if (Listen is not null)
            options.AddRange(["--listen", Listen]);
        foreach (string name in ListenName)
            options.AddRange(["--host-name", name]);
        foreach (AlertRule rule in Alert)
            options.AddRange(["--alert", rule.Text]);
        foreach ((string option, string? path) in ((string, string?)[])[("--certificate", CertificatePath), ("--certificate-key", CertificateKeyPath), ("--token-file", TokenPath), ("--ssh-config", SshConfigPath)])
        {
            if (path is not null)
                options.AddRange([option, await ResolvePathAsync(path)]);
        }

        return options;
    }
}
