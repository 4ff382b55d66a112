using RobustTrain.Monitoring.Processes;

namespace RobustTrain.Monitoring.Gpu.Nvml;

/// <summary>The processes on one device.</summary>
/// <param name="entry">NVML's functions.</param>
/// <param name="queries">Asks about the device.</param>
/// <param name="handle">The device's handle.</param>
internal sealed unsafe class NvmlProcesses(NvmlEntryPoints entry, NvmlQueries queries, nint handle)
{
    /// <summary>The processes; null where the driver does not tell them.</summary>
    /// <param name="table">Names them.</param>
    public List<GpuProcess>? Read(ProcessTable table)
    {
        List<NvmlProcessInfo>? compute = ReadAll(entry.ComputeProcesses);
        List<NvmlProcessInfo>? graphics = ReadAll(entry.GraphicsProcesses);
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
