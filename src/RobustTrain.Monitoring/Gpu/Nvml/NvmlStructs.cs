using System.Runtime.InteropServices;

namespace RobustTrain.Monitoring.Gpu.Nvml;

/// <summary><c>nvmlMemory_t</c>.</summary>
internal struct NvmlMemory
{
    public ulong Total;
    public ulong Free;
    public ulong Used;
}

/// <summary><c>nvmlMemory_v2_t</c>: also tells what the system reserves.</summary>
internal struct NvmlMemoryV2
{
    /// <summary>Size and version, as NVML_STRUCT_VERSION makes it.</summary>
    public const uint CurrentVersion = 40 | (2u << 24);

    public uint Version;
    public ulong Total;
    public ulong Reserved;
    public ulong Free;
    public ulong Used;
}

/// <summary><c>nvmlUtilization_t</c>, percent.</summary>
internal struct NvmlUtilization
{
    public uint Gpu;
    public uint Memory;
}

/// <summary><c>nvmlPciInfo_t</c>.</summary>
internal unsafe struct NvmlPciInfo
{
    public fixed byte BusIdLegacy[16];
    public uint Domain;
    public uint Bus;
    public uint Device;
    public uint PciDeviceId;
    public uint PciSubSystemId;
    public fixed byte BusId[32];
}

/// <summary><c>nvmlProcessInfo_t</c> of the second and third version.</summary>
internal struct NvmlProcessInfo
{
    public uint Pid;
    public ulong UsedMemory;
    public uint GpuInstanceId;
    public uint ComputeInstanceId;
}

/// <summary><c>nvmlProcessInfo_v1_t</c>.</summary>
internal struct NvmlProcessInfoV1
{
    public uint Pid;
    public ulong UsedMemory;
}

/// <summary><c>nvmlEventData_t</c>.</summary>
internal struct NvmlEventData
{
    public nint Device;
    public ulong EventType;
    public ulong EventData;
    public uint GpuInstanceId;
    public uint ComputeInstanceId;
}

/// <summary><c>nvmlFieldValue_t</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NvmlFieldValue
{
    public uint FieldId;
    public uint ScopeId;
    public long Timestamp;
    public long LatencyMicroseconds;
    public uint ValueType;
    public NvmlReturn Return;
    public ulong Value;
}
