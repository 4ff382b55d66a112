using RobustTrain.Monitoring.Sources.Proc;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Nvml;

/// <summary>One device: what never changes is read once, what is cheap at each sample, what is expensive at full samples only.</summary>
internal sealed unsafe class NvmlDevice
{
    private const uint FieldMemoryTemperature = 82;
    private const uint FieldNvLinkTransmit = 138;
    private const uint FieldNvLinkReceive = 139;
    private const uint AllLinks = uint.MaxValue;

    private readonly NvmlSession session;
    private readonly NvmlEntryPoints entry;
    private readonly NvmlQueries queries;
    private readonly NvmlProcesses processList;
    private readonly GpuStatus template;
    private readonly string? unreachable;
    private GpuStatus? last;
    private GpuStatus slow;
    private ulong reasons;
    private string reasonNames = "";
    private int? lastXid;
    private DateTimeOffset? lastXidTime;
    private int xidCount;
    private (long Timestamp, ulong Transmit, ulong Receive)? nvLink;

    public NvmlDevice(NvmlSession session, string computerName, int index, nint handle)
    {
        this.session = session;
        entry = session.Entry;
        Handle = handle;
        queries = new NvmlQueries(entry, handle);
        processList = new NvmlProcesses(entry, queries, handle);
        template = slow = new GpuStatus
        {
            ComputerName = computerName,
            Time = default,
            Index = index,
            Uuid = queries.ReadText(entry.Uuid),
            Name = queries.ReadText(entry.Name),
            PciBusId = queries.ReadBusId(),
            DriverVersion = session.DriverVersion,
            CudaVersion = session.CudaVersion,
            TemperatureShutdownCelsius = queries.ReadAt(entry.TemperatureThreshold, 0),
            TemperatureSlowdownCelsius = queries.ReadAt(entry.TemperatureThreshold, 1),
            SmClockMaxMegahertz = queries.ReadAt(entry.MaxClock, 1),
        };
    }

    public NvmlDevice(NvmlSession session, string computerName, int index, string unreachable)
    {
        this.session = session;
        this.unreachable = unreachable;
        entry = session.Entry;
        queries = new NvmlQueries(entry, handle: 0);
        processList = new NvmlProcesses(entry, queries, handle: 0);
        template = slow = new GpuStatus { ComputerName = computerName, Time = default, Index = index, DriverVersion = session.DriverVersion };
    }

    /// <summary>NVML's handle; 0 where it gave none.</summary>
    public nint Handle { get; }

    /// <summary>Whether the driver reports this device's XID errors.</summary>
    public bool TellsXids { get; set; }

    public void NoteXid(int xid, DateTimeOffset now)
    {
        lastXid = xid;
        lastXidTime = now;
        xidCount++;
    }

    /// <summary>Takes note of the devices as which the trainer sees it and its MIG instances, for the samples to come.</summary>
    public void Remember(GpuStatus named) => slow = slow with { Device = named.Device, MigDevices = named.MigDevices };

    /// <summary>Reads the device.</summary>
    /// <param name="detail">How much.</param>
    /// <param name="processes">Names the processes; null where process lists were not asked for.</param>
    /// <param name="options">How to sample.</param>
    /// <param name="throwIfInterrupted">Ends the reading between two slow calls where nobody waits for it any more.</param>
    public GpuStatus Read(SampleDetail detail, ProcessTable? processes, MonitorOptions options, Action throwIfInterrupted)
    {
        throwIfInterrupted();
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        if (unreachable is not null)
            return Lost(now, unreachable);
        queries.Begin();
        if (detail == SampleDetail.Full)
            slow = ReadSlow(processes, options, throwIfInterrupted);
        GpuStatus status = ReadFast(now);
        if (queries.Fault is not NvmlReturn.Success and var fault)
            return Lost(now, NvmlException.From("a query of this GPU", fault, session.TextOf(fault)).Message);
        last = status;
        return status;
    }

    private GpuStatus Lost(DateTimeOffset now, string reason) => (last ?? template) with
    {
        Time = now,
        Device = null,
        IsConnected = false,
        StaleSince = last?.Time ?? now,
        Error = reason,
        LastXid = lastXid,
        LastXidTime = lastXidTime,
        XidCount = TellsXids ? xidCount : null,
    };

    private GpuStatus ReadFast(DateTimeOffset now)
    {
        (long? total, long? used, long? free, long? reserved) = queries.ReadMemory(Handle);
        NvmlUtilization utilization = default;
        bool hasUtilization = entry.Utilization is not null && queries.Ok(entry.Utilization(Handle, &utilization));
        ulong reasonsNow = 0;
        bool hasReasons = entry.ClockReasons is not null && queries.Ok(entry.ClockReasons(Handle, &reasonsNow));
        if (reasonsNow != reasons)
            reasonNames = ThrottleReasons.Describe(reasons = reasonsNow);
        int? state = queries.Read(entry.PerformanceState);

        return slow with
        {
            Time = now,
            MemoryTotalBytes = total,
            MemoryUsedBytes = used,
            MemoryFreeBytes = free,
            MemoryReservedBytes = reserved,
            UtilizationPercent = hasUtilization ? (int)utilization.Gpu : null,
            MemoryUtilizationPercent = hasUtilization ? (int)utilization.Memory : null,
            EncoderUtilizationPercent = queries.ReadFirst(entry.EncoderUtilization),
            DecoderUtilizationPercent = queries.ReadFirst(entry.DecoderUtilization),
            TemperatureCelsius = queries.ReadAt(entry.Temperature, 0),
            FanPercent = queries.Read(entry.FanSpeed),
            PowerWatts = queries.Read(entry.PowerUsage) / 1000.0,
            SmClockMegahertz = queries.ReadAt(entry.Clock, 1),
            GraphicsClockMegahertz = queries.ReadAt(entry.Clock, 0),
            MemoryClockMegahertz = queries.ReadAt(entry.Clock, 2),
            ThrottleReasons = hasReasons ? reasonNames : null,
            PerformanceState = state is >= 0 and <= 15 ? PerformanceStates[state.Value] : null,
            LastXid = lastXid,
            LastXidTime = lastXidTime,
            XidCount = TellsXids ? xidCount : null,
        };
    }

    private static readonly string[] PerformanceStates = [.. Enumerable.Range(0, 16).Select(state => $"P{state}")];

    private GpuStatus ReadSlow(ProcessTable? processes, MonitorOptions options, Action throwIfInterrupted)
    {
        uint ecc = 0, pendingEcc = 0, mig = 0, pendingMig = 0;
        bool hasEcc = entry.EccMode is not null && queries.Ok(entry.EccMode(Handle, &ecc, &pendingEcc));
        bool hasMig = entry.MigMode is not null && queries.Ok(entry.MigMode(Handle, &mig, &pendingMig));
        uint correctable = 0, uncorrectable = 0, pending = 0, failed = 0;
        bool hasRows = entry.RemappedRows is not null && queries.Ok(entry.RemappedRows(Handle, &correctable, &uncorrectable, &pending, &failed));
        (long? transmit, long? receive) = ReadNvLink(options.TimeProvider);
        ulong energy = 0;
        bool hasEnergy = entry.Energy is not null && queries.Ok(entry.Energy(Handle, &energy));

        return template with
        {
            PowerLimitWatts = queries.Read(entry.PowerLimit) / 1000.0,
            EnergyJoules = hasEnergy ? energy / 1000.0 : null,
            MemoryTemperatureCelsius = (int?)queries.ReadField(FieldMemoryTemperature, 0),
            IsEccEnabled = hasEcc ? ecc != 0 : null,
            EccCorrectedVolatile = queries.ReadEcc(0, 0),
            EccUncorrectedVolatile = queries.ReadEcc(1, 0),
            EccCorrectedAggregate = queries.ReadEcc(0, 1),
            EccUncorrectedAggregate = queries.ReadEcc(1, 1),
            RetiredPagesSingleBit = queries.ReadRetired(0),
            RetiredPagesDoubleBit = queries.ReadRetired(1),
            IsRetirementPending = queries.Read(entry.RetiredPagesPending) is { } retirement ? retirement != 0 : null,
            RemappedRowsCorrectable = hasRows ? (int)correctable : null,
            RemappedRowsUncorrectable = hasRows ? (int)uncorrectable : null,
            IsRemappingPending = hasRows ? pending != 0 : null,
            HasRemappingFailed = hasRows ? failed != 0 : null,
            PcieGeneration = queries.Read(entry.PcieGeneration),
            PcieWidth = queries.Read(entry.PcieWidth),
            PcieTransmitBytesPerSecond = options.IncludeThroughput ? ReadThroughput(0, throwIfInterrupted) : null,
            PcieReceiveBytesPerSecond = options.IncludeThroughput ? ReadThroughput(1, throwIfInterrupted) : null,
            NvLinkTransmitBytesPerSecond = transmit,
            NvLinkReceiveBytesPerSecond = receive,
            IsMigEnabled = hasMig ? mig != 0 : null,
            MigDevices = hasMig && mig != 0 ? ReadMigDevices() : null,
            Processes = processes is null ? null : processList.Read(processes),
        };
    }

    // The driver measures each direction for 20 ms.
    private long? ReadThroughput(uint direction, Action throwIfInterrupted)
    {
        throwIfInterrupted();
        return queries.ReadAt(entry.PcieThroughput, direction) * 1024L;
    }

    private List<MigDevice> ReadMigDevices()
    {
        var devices = new List<MigDevice>();
        uint most = 0;
        if (entry.MaxMigDevices is null || entry.MigDeviceByIndex is null || !queries.Ok(entry.MaxMigDevices(Handle, &most)))
            return devices;
        for (uint index = 0; index < most; index++)
        {
            nint mig = 0;
            if (entry.MigDeviceByIndex(Handle, index, &mig) != NvmlReturn.Success)
                continue;
            (long? total, long? used, long? free, _) = queries.ReadMemory(mig);
            devices.Add(new MigDevice
            {
                Index = (int)index,
                Uuid = queries.ReadText(entry.Uuid, mig),
                Name = queries.ReadText(entry.Name, mig),
                GpuInstanceId = queries.Read(entry.GpuInstanceId, mig),
                ComputeInstanceId = queries.Read(entry.ComputeInstanceId, mig),
                MemoryTotalBytes = total,
                MemoryUsedBytes = used,
                MemoryFreeBytes = free,
            });
        }

        return devices;
    }

    private (long? Transmit, long? Receive) ReadNvLink(TimeProvider clock)
    {
        if (queries.ReadField(FieldNvLinkTransmit, AllLinks) is not { } transmit || queries.ReadField(FieldNvLinkReceive, AllLinks) is not { } receive)
        {
            nvLink = null;
            return default;
        }

        // The driver counts KiB; a rate needs two readings.
        (long Timestamp, ulong Transmit, ulong Receive)? before = nvLink;
        long now = clock.GetTimestamp();
        nvLink = (now, transmit, receive);
        if (before is not { } first || transmit < first.Transmit || receive < first.Receive)
            return default;
        double seconds = clock.GetElapsedTime(first.Timestamp, now).TotalSeconds;
        return seconds <= 0 ? default : ((long)((transmit - first.Transmit) * 1024 / seconds), (long)((receive - first.Receive) * 1024 / seconds));
    }

    /// <summary>Whether the last reading showed that NVML itself has to be opened anew.</summary>
    public bool NeedsReopen => queries.Fault is NvmlReturn.Uninitialized or NvmlReturn.DriverNotLoaded or NvmlReturn.LibraryVersionMismatch;
}

/// <summary>Names of NVML's clock event reasons (nvml.h, <c>nvmlClocksEventReason…</c>).</summary>
internal static class ThrottleReasons
{
    private static readonly (ulong Bit, string Name)[] Names =
    [
        (0x1, "Idle"), (0x2, "ApplicationClocks"), (0x4, "SwPowerCap"), (0x8, "HwSlowdown"), (0x10, "SyncBoost"),
        (0x20, "SwThermalSlowdown"), (0x40, "HwThermalSlowdown"), (0x80, "HwPowerBrake"), (0x100, "DisplayClocks"),
    ];

    /// <summary>The names of the reasons, separated by commas; empty where there are none.</summary>
    public static string Describe(ulong bits) => string.Join(", ", Names.Where(name => (bits & name.Bit) != 0).Select(name => name.Name));
}
