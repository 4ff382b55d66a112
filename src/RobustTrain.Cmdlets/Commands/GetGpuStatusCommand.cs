using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Monitoring;
using RobustTrain.Cmdlets.Resources;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Gpu;
using RobustTrain.Monitoring.Gpu.Nvml;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Reads GPUs, of this host and of others, as they are now.</summary>
[Cmdlet(VerbsCommon.Get, "GpuStatus")]
[OutputType(typeof(GpuStatus))]
public sealed class GetGpuStatusCommand : SourceCmdlet
{
    /// <summary>The GPUs' indices.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(GpuIndexCompleter))]
    [ValidateRange(0, int.MaxValue)]
    public int[]? Index { get; set; }

    /// <summary>The GPUs' UUIDs; wildcards are allowed.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(GpuUuidCompleter))]
    public string[]? Uuid { get; set; }

    /// <summary>The GPUs' product names; wildcards are allowed.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(GpuNameCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Also reads the processes on each GPU.</summary>
    [Parameter]
    public SwitchParameter IncludeProcess { get; set; }

    /// <summary>Also reads PCIe throughput, which the driver measures for 40 ms for each GPU.</summary>
    [Parameter]
    public SwitchParameter IncludeThroughput { get; set; }

    /// <summary>Where this host's GPUs are read from.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(GpuSourceCompleter))]
    public GpuSourceSpec Source { get; set; } = GpuSourceSpec.Auto;

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        var options = new MonitorOptions { Timeout = Timeout, IncludeProcesses = IncludeProcess, IncludeThroughput = IncludeThroughput };
        options.Validate();
        if (MeansLocalHost)
            await WriteLocalAsync(options, stopping);

        await ReadHostsAsync(MonitorKinds.Gpu, options, TimeSpan.Zero, host => WriteAsync(host.ComputerName, host.Gpus ?? []), stopping);
    }

    private async Task WriteLocalAsync(MonitorOptions options, CancellationToken stopping)
    {
        StatusReader reader = await OnPipelineThread(RunspaceReader.OfCurrentRunspace);
        IReadOnlyList<GpuStatus> gpus;
        try
        {
            gpus = await reader.ReadGpusAsync(Source, options, stopping);
        }
        catch (NvmlException absence) when (absence.IsAbsence && Index is null && Uuid is null)
        {
            // No GPU is an answer, not an error, unless a certain one was asked for.
            await WriteWarningAsync(absence.Message);
            return;
        }

        await WriteAsync(LocalHost.Name, gpus);
    }

    private async Task WriteAsync(string host, IReadOnlyList<GpuStatus> gpus)
    {
        // An entry without an index is a host whose GPUs could not be read.
        foreach (GpuStatus unread in gpus.Where(gpu => gpu.Index is null))
            await WriteWarningAsync(unread.Error ?? Strings.Format("NoGpu", host));

        GpuStatus[] known = [.. gpus.Where(gpu => gpu.Index is not null)];
        if (gpus.Count == 0)
            await WriteWarningAsync(Strings.Format("NoGpu", host));

        foreach (MonitorException missing in Missing(host, known))
            await WriteErrorAsync(missing);

        foreach (GpuStatus gpu in known.Where(IsWanted))
            await WriteObjectAsync(gpu);
    }

    private bool IsWanted(GpuStatus gpu) =>
        (Index is null || Index.Contains(gpu.Index!.Value))
        && (Uuid is null || Uuid.Any(uuid => Matches(uuid, gpu.Uuid)))
        && (Name is null || Name.Any(name => Matches(name, gpu.Name)));

    private IEnumerable<MonitorException> Missing(string host, GpuStatus[] gpus)
    {
        foreach (int index in (Index ?? []).Where(index => gpus.All(gpu => gpu.Index != index)))
        {
            string known = gpus.Length == 0 ? "none" : string.Join(", ", gpus.Select(gpu => gpu.Index!.Value.ToString(CultureInfo.InvariantCulture)));
            yield return new MonitorException("GpuIndexNotFound", Strings.Format("GpuIndexNotFound", host, index, known), index);
        }

        foreach (string uuid in Unmatched(Uuid, gpu => gpu.Uuid, gpus))
            yield return new MonitorException("GpuUuidNotFound", Strings.Format("GpuUuidNotFound", host, uuid) + NearestName.Hint(uuid, gpus.Select(gpu => gpu.Uuid ?? "")), uuid);

        foreach (string name in Unmatched(Name, gpu => gpu.Name, gpus))
            yield return new MonitorException("GpuNameNotFound", Strings.Format("GpuNameNotFound", host, name) + NearestName.Hint(name, gpus.Select(gpu => gpu.Name ?? "")), name);
    }

    private static IEnumerable<string> Unmatched(string[]? wanted, Func<GpuStatus, string?> property, GpuStatus[] gpus) =>
        (wanted ?? []).Where(pattern => !WildcardPattern.ContainsWildcardCharacters(pattern) && !gpus.Any(gpu => Matches(pattern, property(gpu))));

    private static bool Matches(string pattern, string? text) => text is not null && WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(text);
}
