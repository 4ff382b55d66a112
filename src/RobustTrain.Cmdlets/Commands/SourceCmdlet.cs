using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>What all cmdlets that watch hosts take.</summary>
public abstract class SourceCmdlet : RobustTrainCmdlet
{
    /// <summary>The hosts, as the operator's ssh configuration knows them; none means this one.</summary>
    [Parameter(ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("HostName", "Cn")]
    [FromObject("ComputerName")]
    [ArgumentCompleter(typeof(SshHostCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] ComputerName { get; set; } = [];

    /// <summary>How long a sample may take.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>An ssh configuration in place of the operator's own.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? SshConfigPath { get; set; }

    /// <summary>How the OpenSSH client is called.</summary>
    private protected async Task<SshOptions> SshOptionsAsync() =>
        new() { ConfigPath = SshConfigPath is null ? null : await ResolvePathAsync(SshConfigPath) };

    /// <summary>Other hosts, each once; this one is left out.</summary>
    private protected string[] RemoteHosts => [.. ComputerName.Where(name => !LocalHost.Is(name)).Distinct(StringComparer.OrdinalIgnoreCase)];

    /// <summary>Whether this host is meant.</summary>
    private protected bool MeansLocalHost => ComputerName.Length == 0 || ComputerName.Any(LocalHost.Is);

    /// <summary>Refuses a source of this host's GPUs where no GPU of this host is read: it would have no effect.</summary>
    /// <exception cref="MonitorException">It is so.</exception>
    private protected void RefuseSourceWithoutEffect(bool readsGpus = true)
    {
        if (MyInvocation.BoundParameters.TryGetValue("Source", out object? source) && !(readsGpus && MeansLocalHost))
            throw new MonitorException("SourceWithoutEffect", Strings.Format("SourceWithoutEffect", source), source);
    }

    /// <summary>Reads all other hosts side by side, and hands each one's answer on as it comes; a host that fails is an error of its own.</summary>
    private protected async Task ReadHostsAsync(MonitorKinds kinds, MonitorOptions options, TimeSpan window, Func<HostSnapshot, Task> take, CancellationToken stopping)
    {
        string[] hosts = RemoteHosts;
        if (hosts.Length == 0)
            return;

        SshOptions ssh = await SshOptionsAsync();
        StatusReader reader = await OnPipelineThread(RunspaceReader.OfCurrentRunspace);
        Task<HostSnapshot>[] reads = [.. hosts.Select(host => reader.ReadHostAsync(host, kinds, options, ssh, window, stopping))];
        await foreach (Task<HostSnapshot> read in Task.WhenEach(reads))
        {
            try
            {
                await take(await read);
            }
            catch (MonitorException failure)
            {
                await WriteErrorAsync(failure, hosts[Array.IndexOf(reads, read)]);
            }
        }
    }
}
