using System.Management.Automation;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Reads the CPU and memory, of this host and of others, as they are now.</summary>
[Cmdlet(VerbsCommon.Get, "CpuStatus")]
[OutputType(typeof(CpuStatus))]
public sealed class GetCpuStatusCommand : SourceCmdlet
{
    /// <summary>The time over which shares of CPU time are taken.</summary>
    [Parameter]
    [SecondsTransformation]
    public TimeSpan Window { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Also reads each core.</summary>
    [Parameter]
    public SwitchParameter IncludeCore { get; set; }

    /// <summary>Also reads the processes.</summary>
    [Parameter]
    public SwitchParameter IncludeProcess { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        var options = new MonitorOptions { Timeout = Timeout, IncludeCores = IncludeCore, IncludeProcesses = IncludeProcess };
        options.Validate();
        if (Window <= TimeSpan.Zero || Window > TimeSpan.FromMinutes(1))
            throw new MonitorException("WindowOutOfRange", FormattableString.Invariant($"The window is {Window.TotalSeconds} s, but it must be above 0 and at most a minute."), Window);

        // Other hosts are asked while this one is measured.
        Task remote = ReadHostsAsync(MonitorKinds.Cpu, options, Window, host => WriteObjectAsync(host.Cpu), stopping);
        if (MeansLocalHost)
            await WriteObjectAsync(await StatusReader.ReadCpuAsync(options, Window, stopping));

        await remote;
    }
}
