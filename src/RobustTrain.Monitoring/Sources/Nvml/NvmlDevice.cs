using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Nvml;

/// <summary>One device: what never changes is read once, what is cheap at each sample, what is expensive at full samples only.</summary>
internal sealed unsafe class NvmlDevice
{
    private const uint FieldMemoryTemperature = 82;
    private const uint FieldNvLinkTransmit = 138;
    private const uint FieldNvLinkReceive = 139;
    private const uint AllLinks = uint.MaxValue;

    private readonly NvmlSession _session;
    private readonly NvmlEntryPoints _entry;
    private readonly NvmlQueries _queries;
    private readonly NvmlProcesses _processList;
    private readonly GpuStatus _template;
    private readonly string? _unreachable;
    private GpuStatus? _last;
    private GpuStatus _slow;
    private ulong _reasons;
    private string _reasonNames = "";
    private int? _lastXid;
    private DateTimeOffset? _lastXidTime;
    private int _xidCount;
    private (long Timestamp, ulong Transmit, ulong Receive)? _nvLink;

    public NvmlDevice(NvmlSession session, string computerName, int index, nint handle)
    {
        _session = session;
        _entry = session.Entry;
        Handle = handle;
        _queries = new NvmlQueries(_entry, handle);
        _processList = new NvmlProcesses(_entry, _queries, handle);
        _template = _slow = new GpuStatus
        {
            ComputerName = computerName,
            Time = default,
            Index = index,
            Uuid = _queries.ReadText(_entry.Uuid),
            Name = _queries.ReadText(_entry.Name),
            PciBusId = _queries.ReadBusId(),
            DriverVersion = session.DriverVersion,
            CudaVersion = session.CudaVersion,
            TemperatureShutdownCelsius = _queries.ReadAt(_entry.TemperatureThreshold, 0),
            TemperatureSlowdownCelsius = _queries.ReadAt(_entry.TemperatureThreshold, 1),
            SmClockMaxMegahertz = _queries.ReadAt(_entry.MaxClock, 1),
        };
    }

    public NvmlDevice(NvmlSession session, string computerName, int index, string unreachable)
    {
        _session = session;
        _unreachable = unreachable;
        _entry = session.Entry;
        _queries = new NvmlQueries(_entry, handle: 0);
        _processList = new NvmlProcesses(_entry, _queries, handle: 0);
        _template = _slow = new GpuStatus { ComputerName = computerName, Time = default, Index = index, DriverVersion = session.DriverVersion };
    }

    /// <summary>NVML's handle; 0 where it gave none.</summary>
    public nint Handle { get; }

    /// <summary>Whether the driver reports this device's XID errors.</summary>
    public bool TellsXids { get; set; }

    public void NoteXid(int xid, DateTimeOffset now)
    {
        _lastXid = xid;
        _lastXidTime = now;
        _xidCount++;
    }

    /// <summary>Takes note of the devices as which the trainer sees it and its MIG instances, for the samples to come.</summary>
    public void Remember(GpuStatus named) => _slow = _slow with { Device = named.Device, MigDevices = named.MigDevices };

    /// <summary>Reads the device.</summary>
    /// <param name="detail">How much.</param>
    /// <param name="processes">Names the processes; null where process lists were not asked for.</param>
    /// <param name="options">How to sample.</param>
    /// <param name="throwIfInterrupted">Ends the reading between two slow calls where nobody waits for it any more.</param>
    public GpuStatus Read(SampleDetail detail, IProcessTable? processes, MonitorOptions options, Action throwIfInterrupted)
    {
        throwIfInterrupted();
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        if (_unreachable is not null)
            return Lost(now, _unreachable);
        _queries.Begin();
        if (detail == SampleDetail.Full)
            _slow = ReadSlow(processes, options, throwIfInterrupted);
        GpuStatus status = ReadFast(now);
        if (_queries.Fault is not NvmlReturn.Success and var fault)
            return Lost(now, NvmlException.From("a query of this GPU", fault, _session.TextOf(fault)).Message);
        _last = status;
        return status;
    }

    private GpuStatus Lost(DateTimeOffset now, string reason) => (_last ?? _template) with
    {
        Time = now,
        Device = null,
        IsConnected = false,
        StaleSince = _last?.Time ?? now,
        Error = reason,
        LastXid = _lastXid,
        LastXidTime = _lastXidTime,
        XidCount = TellsXids ? _xidCount : null,
    };

    private GpuStatus ReadFast(DateTimeOffset now)
    {
        (long? total, long? used, long? free, long? reserved) = _queries.ReadMemory(Handle);
        NvmlUtilization utilization = default;
        bool hasUtilization = _entry.Utilization is not null && _queries.Ok(_entry.Utilization(Handle, &utilization));
        ulong reasonsNow = 0;
        bool hasReasons = _entry.ClockReasons is not null && _queries.Ok(_entry.ClockReasons(Handle, &reasonsNow));
        if (reasonsNow != _reasons)
            _reasonNames = ThrottleReasons.Describe(_reasons = reasonsNow);
        int? state = _queries.Read(_entry.PerformanceState);

        return _slow with
        {
            Time = now,
            MemoryTotalBytes = total,
            MemoryUsedBytes = used,
            MemoryFreeBytes = free,
            MemoryReservedBytes = reserved,
            UtilizationPercent = hasUtilization ? (int)utilization.Gpu : null,
            MemoryUtilizationPercent = hasUtilization ? (int)utilization.Memory : null,
            EncoderUtilizationPercent = _queries.ReadFirst(_entry.EncoderUtilization),
            DecoderUtilizationPercent = _queries.ReadFirst(_entry.DecoderUtilization),
            TemperatureCelsius = _queries.ReadAt(_entry.Temperature, 0),
            FanPercent = _queries.Read(_entry.FanSpeed),
            PowerWatts = _queries.Read(_entry.PowerUsage) / 1000.0,
            SmClockMegahertz = _queries.ReadAt(_entry.Clock, 1),
            GraphicsClockMegahertz = _queries.ReadAt(_entry.Clock, 0),
            MemoryClockMegahertz = _queries.ReadAt(_entry.Clock, 2),
            ThrottleReasons = hasReasons ? _reasonNames : null,
            PerformanceState = state is >= 0 and <= 15 ? PerformanceStates[state.Value] : null,
            LastXid = _lastXid,
            LastXidTime = _lastXidTime,
            XidCount = TellsXids ? _xidCount : null,
        };
    }

    private static readonly string[] PerformanceStates = [.. Enumerable.Range(0, 16).Select(state => $"P{state}")];

    private GpuStatus ReadSlow(IProcessTable? processes, MonitorOptions options, Action throwIfInterrupted)
    {
        uint ecc = 0, pendingEcc = 0, mig = 0, pendingMig = 0;
        bool hasEcc = _entry.EccMode is not null && _queries.Ok(_entry.EccMode(Handle, &ecc, &pendingEcc));
        bool hasMig = _entry.MigMode is not null && _queries.Ok(_entry.MigMode(Handle, &mig, &pendingMig));
        uint correctable = 0, uncorrectable = 0, pending = 0, failed = 0;
        bool hasRows = _entry.RemappedRows is not null && _queries.Ok(_entry.RemappedRows(Handle, &correctable, &uncorrectable, &pending, &failed));
        (long? transmit, long? receive) = ReadNvLink(options.TimeProvider);
        ulong energy = 0;
        bool hasEnergy = _entry.Energy is not null && _queries.Ok(_entry.Energy(Handle, &energy));

        return _template with
        {
            PowerLimitWatts = _queries.Read(_entry.PowerLimit) / 1000.0,
            EnergyJoules = hasEnergy ? energy / 1000.0 : null,
            MemoryTemperatureCelsius = (int?)_queries.ReadField(FieldMemoryTemperature, 0),
            IsEccEnabled = hasEcc ? ecc != 0 : null,
            EccCorrectedVolatile = _queries.ReadEcc(0, 0),
            EccUncorrectedVolatile = _queries.ReadEcc(1, 0),
            EccCorrectedAggregate = _queries.ReadEcc(0, 1),
            EccUncorrectedAggregate = _queries.ReadEcc(1, 1),
            RetiredPagesSingleBit = _queries.ReadRetired(0),
            RetiredPagesDoubleBit = _queries.ReadRetired(1),
            IsRetirementPending = _queries.Read(_entry.RetiredPagesPending) is { } retirement ? retirement != 0 : null,
            RemappedRowsCorrectable = hasRows ? (int)correctable : null,
            RemappedRowsUncorrectable = hasRows ? (int)uncorrectable : null,
            IsRemappingPending = hasRows ? pending != 0 : null,
            HasRemappingFailed = hasRows ? failed != 0 : null,
            PcieGeneration = _queries.Read(_entry.PcieGeneration),
            PcieWidth = _queries.Read(_entry.PcieWidth),
            PcieTransmitBytesPerSecond = options.IncludeThroughput ? ReadThroughput(0, throwIfInterrupted) : null,
            PcieReceiveBytesPerSecond = options.IncludeThroughput ? ReadThroughput(1, throwIfInterrupted) : null,
            NvLinkTransmitBytesPerSecond = transmit,
            NvLinkReceiveBytesPerSecond = receive,
            IsMigEnabled = hasMig ? mig != 0 : null,
            MigDevices = hasMig && mig != 0 ? ReadMigDevices() : null,
            Processes = processes is null ? null : _processList.Read(processes),
        };
    }

    // The driver measures each direction for 20 ms.
    private long? ReadThroughput(uint direction, Action throwIfInterrupted)
    {
        throwIfInterrupted();
        return _queries.ReadAt(_entry.PcieThroughput, direction) * 1024L;
    }

    private List<MigDevice> ReadMigDevices()
    {
        var devices = new List<MigDevice>();
        uint most = 0;
        if (_entry.MaxMigDevices is null || _entry.MigDeviceByIndex is null || !_queries.Ok(_entry.MaxMigDevices(Handle, &most)))
            return devices;
        for (uint index = 0; index < most; index++)
        {
            nint mig = 0;
            if (_entry.MigDeviceByIndex(Handle, index, &mig) != NvmlReturn.Success)
                continue;
            (long? total, long? used, long? free, _) = _queries.ReadMemory(mig);
            devices.Add(new MigDevice
            {
                Index = (int)index,
                Uuid = _queries.ReadText(_entry.Uuid, mig),
                Name = _queries.ReadText(_entry.Name, mig),
                GpuInstanceId = _queries.Read(_entry.GpuInstanceId, mig),
                ComputeInstanceId = _queries.Read(_entry.ComputeInstanceId, mig),
                MemoryTotalBytes = total,
                MemoryUsedBytes = used,
                MemoryFreeBytes = free,
            });
        }

        return devices;
    }

    private (long? Transmit, long? Receive) ReadNvLink(TimeProvider clock)
    {
        if (_queries.ReadField(FieldNvLinkTransmit, AllLinks) is not { } transmit || _queries.ReadField(FieldNvLinkReceive, AllLinks) is not { } receive)
        {
            _nvLink = null;
            return default;
        }

        // The driver counts KiB; a rate needs two readings.
        (long Timestamp, ulong Transmit, ulong Receive)? before = _nvLink;
        long now = clock.GetTimestamp();
        _nvLink = (now, transmit, receive);
        if (before is not { } first || transmit < first.Transmit || receive < first.Receive)
            return default;
        double seconds = clock.GetElapsedTime(first.Timestamp, now).TotalSeconds;
        return seconds <= 0 ? default : ((long)((transmit - first.Transmit) * 1024 / seconds), (long)((receive - first.Receive) * 1024 / seconds));
    }

    /// <summary>Whether the last reading showed that NVML itself has to be opened anew.</summary>
    public bool NeedsReopen => _queries.Fault is NvmlReturn.Uninitialized or NvmlReturn.DriverNotLoaded or NvmlReturn.LibraryVersionMismatch;
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
