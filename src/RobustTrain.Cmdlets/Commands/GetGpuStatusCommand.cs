using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources.Nvml;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Reads GPUs, of this host and of others, as they are now.</summary>
[Cmdlet(VerbsCommon.Get, "GpuStatus")]
[OutputType(typeof(GpuStatus))]
public sealed class GetGpuStatusCommand : SourceCmdlet
{
    private static readonly TimeSpan IdlePoll = TimeSpan.FromSeconds(5);
    private static readonly string[] IdleParameters = [nameof(MemoryFree), nameof(UtilizationBelow), nameof(Wait)];

    private readonly List<(string[] ComputerName, int[]? Index, string[]? Uuid)> _requests = [];
    private bool _quiet;

    /// <summary>The GPUs' indices.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [FromObject("Index")]
    [ArgumentCompleter(typeof(GpuIndexCompleter))]
    [ValidateRange(0, int.MaxValue)]
    public int[]? Index { get; set; }

    /// <summary>The GPUs' UUIDs; wildcards are allowed.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [FromObject("Uuid", EscapesWildcards = true)]
    [ArgumentCompleter(typeof(GpuUuidCompleter))]
    public string[]? Uuid { get; set; }

    /// <summary>The GPUs' product names; wildcards are allowed.</summary>
    [Parameter]
    [SupportsWildcards]
    [FromObject("Name", EscapesWildcards = true)]
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

    /// <summary>Writes idle GPUs only, the one with the most free memory first; a GPU that is lost or does not tell is not idle.</summary>
    [Parameter]
    public SwitchParameter Idle { get; set; }

    /// <summary>With -Idle: so much memory must be free, in bytes; half of the GPU's memory by default.</summary>
    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    public long MemoryFree { get; set; }

    /// <summary>With -Idle: the utilisation must be below this, in percent.</summary>
    [Parameter]
    [ValidateRange(1, 101)]
    public int UtilizationBelow { get; set; } = 50;

    /// <summary>With -Idle: waits until a GPU is idle.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    /// <inheritdoc/>
    protected override Task BeginProcessingAsync(CancellationToken stopping)
    {
        string? alone = IdleParameters.FirstOrDefault(MyInvocation.BoundParameters.ContainsKey);
        return Idle || alone is null
            ? Task.CompletedTask
            : ThrowTerminatingErrorAsync(new MonitorException("IdleNotGiven", Strings.Format("IdleNotGiven", alone), alone));
    }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        RefuseSourceWithoutEffect();
        if (Idle)
            _requests.Add((ComputerName, Index, Uuid));
        else
            await ReadAsync(WriteObjectAsync, stopping);
    }

    /// <summary>Idle GPUs are chosen among those of all hosts.</summary>
    protected override async Task EndProcessingAsync(CancellationToken stopping)
    {
        while (_requests.Count > 0)
        {
            var gpus = new List<(GpuStatus Gpu, string? WhyNot)>();
            foreach ((string[] computerName, int[]? index, string[]? uuid) in _requests)
            {
                (ComputerName, Index, Uuid) = (computerName, index, uuid);
                await ReadAsync(gpu => Take(gpu, gpus), stopping);
            }

            IReadOnlyList<GpuStatus> idle = IdleGpu.Order(gpus.Where(gpu => gpu.WhyNot is null).Select(gpu => gpu.Gpu));
            foreach (GpuStatus gpu in idle)
                await WriteObjectAsync(gpu);

            if (idle.Count == 0 && gpus.Count == 0 && Wait)
                await ThrowTerminatingErrorAsync(new MonitorException("NoGpuToWaitFor", Strings.Format("NoGpuToWaitFor")));

            if (idle.Count > 0 || gpus.Count == 0)
                return;

            if (!_quiet)
                await WriteWarningAsync(Strings.Format(Wait ? "WaitingForIdleGpu" : "NoIdleGpu", string.Join("; ", gpus.Select(gpu => $"{gpu.Gpu.ComputerName} GPU {gpu.Gpu.Index} {gpu.WhyNot}"))));

            if (!Wait)
                return;

            // What is wrong has been said.
            _quiet = true;
            await Task.Delay(IdlePoll, stopping);
        }
    }

    private Task Take(GpuStatus gpu, List<(GpuStatus Gpu, string? WhyNot)> gpus)
    {
        var rule = new IdleGpu
        {
            UtilizationBelow = UtilizationBelow,
            MemoryFreeBytes = MyInvocation.BoundParameters.ContainsKey(nameof(MemoryFree)) ? MemoryFree : null,
            IsDeviceNeeded = LocalHost.Is(gpu.ComputerName),
        };
        gpus.Add((gpu, rule.WhyNot(gpu)));
        return Task.CompletedTask;
    }

    private async Task ReadAsync(Func<GpuStatus, Task> take, CancellationToken stopping)
    {
        var options = new MonitorOptions { Timeout = Timeout, IncludeProcesses = IncludeProcess, IncludeThroughput = IncludeThroughput };
        options.Validate();
        if (MeansLocalHost)
            await ReadLocalAsync(options, take, stopping);

        await ReadHostsAsync(MonitorKinds.Gpu, options, TimeSpan.Zero, host => TakeAsync(host.ComputerName, host.Gpus ?? [], take), stopping);
    }

    private async Task ReadLocalAsync(MonitorOptions options, Func<GpuStatus, Task> take, CancellationToken stopping)
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

        await TakeAsync(LocalHost.Name, gpus, take);
    }

    private async Task TakeAsync(string host, IReadOnlyList<GpuStatus> gpus, Func<GpuStatus, Task> take)
    {
        GpuStatus[] known = [.. gpus.Where(gpu => gpu.Index is not null)];
        if (!_quiet)
        {
            // An entry without an index is a host whose GPUs could not be read, or a GPU that is lost and whose index nobody tells.
            foreach (GpuStatus unread in gpus.Where(gpu => gpu.Index is null))
                await WriteWarningAsync(unread.Error ?? Strings.Format("NoGpu", host));

            if (gpus.Count == 0)
                await WriteWarningAsync(Strings.Format("NoGpu", host));

            foreach (MonitorException missing in Missing(host, known))
                await WriteErrorAsync(missing);
        }

        foreach (GpuStatus gpu in known.Where(IsWanted))
            await take(gpu);
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
