using System.Runtime.InteropServices;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Nvml;

/// <summary>
/// Asks NVML about one device. What the device or an old driver does not tell is null; that the device or the driver itself is gone
/// is kept as the fault.
/// </summary>
internal sealed unsafe class NvmlQueries(NvmlEntryPoints entry, nint handle)
{
    /// <summary>What is wrong with the device or the driver as a whole; success where nothing is.</summary>
    public NvmlReturn Fault { get; private set; }

    /// <summary>Forgets the fault.</summary>
    public void Begin() => Fault = NvmlReturn.Success;

    /// <summary>Whether a call succeeded; keeps the fault where it tells of one.</summary>
    public bool Ok(NvmlReturn code)
    {
        // A value that is not supported is one value less; these codes are about the device or the driver as a whole.
        if (code is NvmlReturn.GpuIsLost or NvmlReturn.ResetRequired or NvmlReturn.Uninitialized or NvmlReturn.DriverNotLoaded or NvmlReturn.LibraryVersionMismatch)
            Fault = code;
        return code == NvmlReturn.Success;
    }

    /// <summary>Memory of the device or of one of its MIG instances, in bytes.</summary>
    public (long? Total, long? Used, long? Free, long? Reserved) ReadMemory(nint device)
    {
        var second = new NvmlMemoryV2 { Version = NvmlMemoryV2.CurrentVersion };
        if (entry.MemoryV2 is not null && Ok(entry.MemoryV2(device, &second)))
            return ((long)second.Total, (long)second.Used, (long)second.Free, (long)second.Reserved);
        NvmlMemory memory = default;
        return entry.Memory is not null && Ok(entry.Memory(device, &memory))
            ? ((long)memory.Total, (long)memory.Used, (long)memory.Free, null)
            : default;
    }

    /// <summary>A field of NVML's general query.</summary>
    public ulong? ReadField(uint field, uint scope)
    {
        if (entry.FieldValues is null)
            return null;
        var value = new NvmlFieldValue { FieldId = field, ScopeId = scope };
        if (!Ok(entry.FieldValues(handle, 1, &value)) || !Ok(value.Return))
            return null;
        // Types 1 and 5 are 32 bits wide; the rest of the union is not cleared.
        return value.ValueType is 1 or 5 ? (uint)value.Value : value.Value;
    }

    /// <summary>Memory errors.</summary>
    public long? ReadEcc(uint type, uint counter)
    {
        ulong value = 0;
        return entry.TotalEccErrors is not null && Ok(entry.TotalEccErrors(handle, type, counter, &value)) ? (long)value : null;
    }

    /// <summary>Retired pages.</summary>
    public int? ReadRetired(uint cause)
    {
        if (entry.RetiredPages is null)
            return null;
        uint count = 0;
        NvmlReturn code = entry.RetiredPages(handle, cause, &count, null);
        return code == NvmlReturn.InsufficientSize || Ok(code) ? (int)count : null;
    }

    /// <summary>A number that a function tells.</summary>
    public int? Read(delegate* unmanaged<nint, uint*, NvmlReturn> function) => Read(function, handle);

    /// <summary>A number that a function tells of a MIG instance.</summary>
    public int? Read(delegate* unmanaged<nint, uint*, NvmlReturn> function, nint device)
    {
        uint value = 0;
        return function is not null && Ok(function(device, &value)) ? (int)value : null;
    }

    /// <summary>A number that a function tells for one of several things.</summary>
    public int? ReadAt(delegate* unmanaged<nint, uint, uint*, NvmlReturn> function, uint which)
    {
        uint value = 0;
        return function is not null && Ok(function(handle, which, &value)) ? (int)value : null;
    }

    /// <summary>The first of two numbers that a function tells.</summary>
    public int? ReadFirst(delegate* unmanaged<nint, uint*, uint*, NvmlReturn> function)
    {
        uint value = 0, period = 0;
        return function is not null && Ok(function(handle, &value, &period)) ? (int)value : null;
    }

    /// <summary>A text that a function tells.</summary>
    public string? ReadText(delegate* unmanaged<nint, byte*, uint, NvmlReturn> function) => ReadText(function, handle);

    /// <summary>A text that a function tells of a MIG instance.</summary>
    public string? ReadText(delegate* unmanaged<nint, byte*, uint, NvmlReturn> function, nint device)
    {
        const int Size = 96;
        byte* buffer = stackalloc byte[Size];
        return function is not null && Ok(function(device, buffer, Size)) ? Marshal.PtrToStringUTF8((nint)buffer) : null;
    }

    /// <summary>The PCI bus id.</summary>
    public string? ReadBusId()
    {
        NvmlPciInfo info = default;
        if (entry.PciInfo is null || !Ok(entry.PciInfo(handle, &info)))
            return null;
        return FormattableString.Invariant($"{info.Domain:X8}:{info.Bus:X2}:{info.Device:X2}.0");
    }
}

/// <summary>The processes on one device.</summary>
internal sealed unsafe class NvmlProcesses(NvmlEntryPoints entry, NvmlQueries queries, nint handle)
{
    /// <summary>The processes; null where the driver does not tell them.</summary>
    /// <param name="table">Names them.</param>
    public List<GpuProcess>? Read(IProcessTable table)
    {
        List<NvmlProcessInfo>? compute = ReadAll(entry.ComputeProcesses);
        List<NvmlProcessInfo>? graphics = ReadAll(entry.GraphicsProcesses);
        if (compute is null && graphics is null)
            return null;
        return [.. Describe(compute, "Compute", table), .. Describe(graphics, "Graphics", table)];
    }

    private static IEnumerable<GpuProcess> Describe(List<NvmlProcessInfo>? infos, string type, IProcessTable table) =>
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

    private List<NvmlProcessInfo>? ReadAll(delegate* unmanaged<nint, uint*, void*, NvmlReturn> function)
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
                    code = function(handle, &count, buffer);

                for (int i = 0; i < Math.Min(count, capacity); i++)
                    infos[i] = new NvmlProcessInfo { Pid = old[i].Pid, UsedMemory = old[i].UsedMemory, GpuInstanceId = uint.MaxValue };
            }
            else
            {
                fixed (NvmlProcessInfo* buffer = infos)
                    code = function(handle, &count, buffer);
            }

            if (code == NvmlReturn.InsufficientSize)
                continue;
            return queries.Ok(code) ? [.. infos.AsSpan(0, (int)count)] : null;
        }

        return null;
    }
}
