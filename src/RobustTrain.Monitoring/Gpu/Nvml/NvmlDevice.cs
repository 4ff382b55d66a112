using System.Runtime.InteropServices;
using RobustTrain.Monitoring.Processes;

namespace RobustTrain.Monitoring.Gpu.Nvml;

/// <summary>One device: what never changes is read once, what is cheap at each sample, what is expensive at full samples only.</summary>
internal sealed unsafe class NvmlDevice
{
    private const uint FieldMemoryTemperature = 82;
    private const uint FieldNvLinkTransmit = 138;
    private const uint FieldNvLinkReceive = 139;
    private const uint AllLinks = uint.MaxValue;

    private readonly NvmlSession session;
    private readonly NvmlEntryPoints entry;
    private readonly GpuStatus template;
    private readonly string? unreachable;
    private GpuStatus? last;
    private GpuStatus slow;
    private NvmlReturn fault;
    private int? lastXid;
    private DateTimeOffset? lastXidTime;
    private int xidCount;
    private (long Timestamp, ulong Transmit, ulong Receive)? nvLink;

    public NvmlDevice(NvmlSession session, string computerName, int index, nint handle)
    {
        this.session = session;
        entry = session.Entry;
        Handle = handle;
        template = slow = new GpuStatus
        {
            ComputerName = computerName,
            Time = default,
            Index = index,
            Device = $"cuda:{index}",
            Uuid = ReadText(entry.Uuid),
            Name = ReadText(entry.Name),
            PciBusId = ReadBusId(),
            DriverVersion = session.DriverVersion,
            CudaVersion = session.CudaVersion,
            TemperatureShutdownCelsius = ReadAt(entry.TemperatureThreshold, 0),
            TemperatureSlowdownCelsius = ReadAt(entry.TemperatureThreshold, 1),
            SmClockMaxMegahertz = ReadAt(entry.MaxClock, 1),
        };
    }

    public NvmlDevice(NvmlSession session, string computerName, int index, string unreachable)
    {
        this.session = session;
        this.unreachable = unreachable;
        entry = session.Entry;
        template = slow = new GpuStatus { ComputerName = computerName, Time = default, Index = index, Device = $"cuda:{index}", DriverVersion = session.DriverVersion };
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

        fault = NvmlReturn.Success;
        if (detail == SampleDetail.Full)
            slow = ReadSlow(processes, options, throwIfInterrupted);

        GpuStatus status = ReadFast(now);
        if (fault != NvmlReturn.Success)
            return Lost(now, NvmlException.From("a query of this GPU", fault, session.TextOf(fault)).Message);

        last = status;
        return status;
    }

    private GpuStatus Lost(DateTimeOffset now, string reason) => (last ?? template) with
    {
        Time = now,
        IsConnected = false,
        StaleSince = last?.Time ?? now,
        Error = reason,
        LastXid = lastXid,
        LastXidTime = lastXidTime,
        XidCount = TellsXids ? xidCount : null,
    };

    private GpuStatus ReadFast(DateTimeOffset now)
    {
        (long? total, long? used, long? free, long? reserved) = ReadMemory(Handle);
        NvmlUtilization utilization = default;
        bool hasUtilization = entry.Utilization is not null && Ok(entry.Utilization(Handle, &utilization));
        ulong reasons = 0;
        bool hasReasons = entry.ClockReasons is not null && Ok(entry.ClockReasons(Handle, &reasons));
        int? state = Read(entry.PerformanceState);

        return slow with
        {
            Time = now,
            MemoryTotalBytes = total,
            MemoryUsedBytes = used,
            MemoryFreeBytes = free,
            MemoryReservedBytes = reserved,
            UtilizationPercent = hasUtilization ? (int)utilization.Gpu : null,
            MemoryUtilizationPercent = hasUtilization ? (int)utilization.Memory : null,
            EncoderUtilizationPercent = ReadFirst(entry.EncoderUtilization),
            DecoderUtilizationPercent = ReadFirst(entry.DecoderUtilization),
            TemperatureCelsius = ReadAt(entry.Temperature, 0),
            FanPercent = Read(entry.FanSpeed),
            PowerWatts = Read(entry.PowerUsage) / 1000.0,
            SmClockMegahertz = ReadAt(entry.Clock, 1),
            GraphicsClockMegahertz = ReadAt(entry.Clock, 0),
            MemoryClockMegahertz = ReadAt(entry.Clock, 2),
            ThrottleReasons = hasReasons ? ThrottleReasons.Describe(reasons) : null,
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
        bool hasEcc = entry.EccMode is not null && Ok(entry.EccMode(Handle, &ecc, &pendingEcc));
        bool hasMig = entry.MigMode is not null && Ok(entry.MigMode(Handle, &mig, &pendingMig));
        uint correctable = 0, uncorrectable = 0, pending = 0, failed = 0;
        bool hasRows = entry.RemappedRows is not null && Ok(entry.RemappedRows(Handle, &correctable, &uncorrectable, &pending, &failed));
        (long? transmit, long? receive) = ReadNvLink(options.TimeProvider);
        ulong energy = 0;
        bool hasEnergy = entry.Energy is not null && Ok(entry.Energy(Handle, &energy));

        return template with
        {
            PowerLimitWatts = Read(entry.PowerLimit) / 1000.0,
            EnergyJoules = hasEnergy ? energy / 1000.0 : null,
            MemoryTemperatureCelsius = (int?)ReadField(FieldMemoryTemperature, 0),
            IsEccEnabled = hasEcc ? ecc != 0 : null,
            EccCorrectedVolatile = ReadEcc(0, 0),
            EccUncorrectedVolatile = ReadEcc(1, 0),
            EccCorrectedAggregate = ReadEcc(0, 1),
            EccUncorrectedAggregate = ReadEcc(1, 1),
            RetiredPagesSingleBit = ReadRetired(0),
            RetiredPagesDoubleBit = ReadRetired(1),
            IsRetirementPending = Read(entry.RetiredPagesPending) is { } retirement ? retirement != 0 : null,
            RemappedRowsCorrectable = hasRows ? (int)correctable : null,
            RemappedRowsUncorrectable = hasRows ? (int)uncorrectable : null,
            IsRemappingPending = hasRows ? pending != 0 : null,
            HasRemappingFailed = hasRows ? failed != 0 : null,
            PcieGeneration = Read(entry.PcieGeneration),
            PcieWidth = Read(entry.PcieWidth),
            PcieTransmitBytesPerSecond = options.IncludeThroughput ? ReadThroughput(0, throwIfInterrupted) : null,
            PcieReceiveBytesPerSecond = options.IncludeThroughput ? ReadThroughput(1, throwIfInterrupted) : null,
            NvLinkTransmitBytesPerSecond = transmit,
            NvLinkReceiveBytesPerSecond = receive,
            IsMigEnabled = hasMig ? mig != 0 : null,
            MigDevices = hasMig && mig != 0 ? ReadMigDevices() : null,
            Processes = processes is null ? null : ReadProcesses(processes),
        };
    }

    // The driver measures each direction for 20 ms.
    private long? ReadThroughput(uint direction, Action throwIfInterrupted)
    {
        throwIfInterrupted();
        return ReadAt(entry.PcieThroughput, direction) * 1024L;
    }

    private List<GpuProcess>? ReadProcesses(ProcessTable table)
    {
        List<NvmlProcessInfo>? compute = ReadProcesses(entry.ComputeProcesses);
        List<NvmlProcessInfo>? graphics = ReadProcesses(entry.GraphicsProcesses);
        if (compute is null && graphics is null)
            return null;

        return [.. Describe(compute, "Compute", table), .. Describe(graphics, "Graphics", table)];
    }

    private static IEnumerable<GpuProcess> Describe(List<NvmlProcessInfo>? infos, string type, ProcessTable table) =>
        (infos ?? []).Select(info =>
        {
            HostProcess? process = table.Find((int)info.Pid);
            return new GpuProcess
            {
                ProcessId = (int)info.Pid,
                Type = type,
                MemoryUsedBytes = info.UsedMemory == ulong.MaxValue ? null : (long)info.UsedMemory,
                GpuInstanceId = info.GpuInstanceId == uint.MaxValue ? null : (int)info.GpuInstanceId,
                User = process?.User,
                Command = process?.Command,
                StartTime = process?.StartTime,
            };
        });

    private List<NvmlProcessInfo>? ReadProcesses(delegate* unmanaged<nint, uint*, void*, NvmlReturn> function)
    {
        if (function is null)
            return null;

        // The list may grow between the call that tells its length and the one that takes it.
        for (uint capacity = 64; capacity <= 1 << 16; capacity *= 4)
        {
            uint count = capacity;
            var infos = new NvmlProcessInfo[capacity];
            NvmlReturn code;
            if (entry.ProcessesAreFirstVersion)
            {
                var old = new NvmlProcessInfoV1[capacity];
                fixed (NvmlProcessInfoV1* buffer = old)
                    code = function(Handle, &count, buffer);

                for (int i = 0; i < Math.Min(count, capacity); i++)
                    infos[i] = new NvmlProcessInfo { Pid = old[i].Pid, UsedMemory = old[i].UsedMemory, GpuInstanceId = uint.MaxValue };
            }
            else
            {
                fixed (NvmlProcessInfo* buffer = infos)
                    code = function(Handle, &count, buffer);
            }

            if (code == NvmlReturn.InsufficientSize)
                continue;

            return Ok(code) ? [.. infos.AsSpan(0, (int)count)] : null;
        }

        return null;
    }

    private List<MigDevice> ReadMigDevices()
    {
        var devices = new List<MigDevice>();
        uint most = 0;
        if (entry.MaxMigDevices is null || entry.MigDeviceByIndex is null || !Ok(entry.MaxMigDevices(Handle, &most)))
            return devices;

        for (uint index = 0; index < most; index++)
        {
            nint mig = 0;
            if (entry.MigDeviceByIndex(Handle, index, &mig) != NvmlReturn.Success)
                continue;

            (long? total, long? used, long? free, _) = ReadMemory(mig);
            devices.Add(new MigDevice
            {
                Index = (int)index,
                Uuid = ReadText(entry.Uuid, mig),
                Name = ReadText(entry.Name, mig),
                GpuInstanceId = Read(entry.GpuInstanceId, mig),
                ComputeInstanceId = Read(entry.ComputeInstanceId, mig),
                MemoryTotalBytes = total,
                MemoryUsedBytes = used,
                MemoryFreeBytes = free,
            });
        }

        return devices;
    }

    private (long? Total, long? Used, long? Free, long? Reserved) ReadMemory(nint device)
    {
        var second = new NvmlMemoryV2 { Version = NvmlMemoryV2.CurrentVersion };
        if (entry.MemoryV2 is not null && Ok(entry.MemoryV2(device, &second)))
            return ((long)second.Total, (long)second.Used, (long)second.Free, (long)second.Reserved);

        NvmlMemory memory = default;
        return entry.Memory is not null && Ok(entry.Memory(device, &memory))
            ? ((long)memory.Total, (long)memory.Used, (long)memory.Free, null)
            : default;
    }

    private (long? Transmit, long? Receive) ReadNvLink(TimeProvider clock)
    {
        if (ReadField(FieldNvLinkTransmit, AllLinks) is not { } transmit || ReadField(FieldNvLinkReceive, AllLinks) is not { } receive)
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

    private ulong? ReadField(uint field, uint scope)
    {
        if (entry.FieldValues is null)
            return null;

        var value = new NvmlFieldValue { FieldId = field, ScopeId = scope };
        if (!Ok(entry.FieldValues(Handle, 1, &value)) || !Ok(value.Return))
            return null;

        // Types 1 and 5 are 32 bits wide; the rest of the union is not cleared.
        return value.ValueType is 1 or 5 ? (uint)value.Value : value.Value;
    }

    private long? ReadEcc(uint type, uint counter)
    {
        ulong value = 0;
        return entry.TotalEccErrors is not null && Ok(entry.TotalEccErrors(Handle, type, counter, &value)) ? (long)value : null;
    }

    private int? ReadRetired(uint cause)
    {
        if (entry.RetiredPages is null)
            return null;

        uint count = 0;
        NvmlReturn code = entry.RetiredPages(Handle, cause, &count, null);
        return code == NvmlReturn.InsufficientSize || Ok(code) ? (int)count : null;
    }

    private int? Read(delegate* unmanaged<nint, uint*, NvmlReturn> function) => Read(function, Handle);

    private int? Read(delegate* unmanaged<nint, uint*, NvmlReturn> function, nint device)
    {
        uint value = 0;
        return function is not null && Ok(function(device, &value)) ? (int)value : null;
    }

    private int? ReadAt(delegate* unmanaged<nint, uint, uint*, NvmlReturn> function, uint which)
    {
        uint value = 0;
        return function is not null && Ok(function(Handle, which, &value)) ? (int)value : null;
    }

    private int? ReadFirst(delegate* unmanaged<nint, uint*, uint*, NvmlReturn> function)
    {
        uint value = 0, period = 0;
        return function is not null && Ok(function(Handle, &value, &period)) ? (int)value : null;
    }

    private string? ReadText(delegate* unmanaged<nint, byte*, uint, NvmlReturn> function) => ReadText(function, Handle);

    private string? ReadText(delegate* unmanaged<nint, byte*, uint, NvmlReturn> function, nint device)
    {
        const int Size = 96;
        byte* buffer = stackalloc byte[Size];
        return function is not null && Ok(function(device, buffer, Size)) ? Marshal.PtrToStringUTF8((nint)buffer) : null;
    }

    private string? ReadBusId()
    {
        NvmlPciInfo info = default;
        if (entry.PciInfo is null || !Ok(entry.PciInfo(Handle, &info)))
            return null;

        return FormattableString.Invariant($"{info.Domain:X8}:{info.Bus:X2}:{info.Device:X2}.0");
    }

    // A value that is not supported is one value less; these codes are about the device or the driver as a whole.
    private bool Ok(NvmlReturn code)
    {
        if (code is NvmlReturn.GpuIsLost or NvmlReturn.ResetRequired or NvmlReturn.Uninitialized or NvmlReturn.DriverNotLoaded or NvmlReturn.LibraryVersionMismatch)
            fault = code;

        return code == NvmlReturn.Success;
    }

    /// <summary>Whether the last reading showed that NVML itself has to be opened anew.</summary>
    public bool NeedsReopen => fault is NvmlReturn.Uninitialized or NvmlReturn.DriverNotLoaded or NvmlReturn.LibraryVersionMismatch;
}
