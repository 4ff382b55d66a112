using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

// All native calls take plain values and pointers, so that their stubs can be compiled ahead of time like the rest.
[assembly: DisableRuntimeMarshalling]

namespace RobustTrain.Monitoring.Sources.Nvml;

/// <summary>
/// NVML's functions, by the newest version that the driver exports. One that an old driver lacks is null, and what it would have told
/// is null in the status.
/// </summary>
internal sealed unsafe class NvmlEntryPoints(NvmlLibraryHandle library)
{
    public readonly delegate* unmanaged<NvmlReturn> Init = (delegate* unmanaged<NvmlReturn>)library.Export("nvmlInit_v2", "nvmlInit");
    public readonly delegate* unmanaged<NvmlReturn> Shutdown = (delegate* unmanaged<NvmlReturn>)library.Export("nvmlShutdown");
    public readonly delegate* unmanaged<NvmlReturn, byte*> ErrorString = (delegate* unmanaged<NvmlReturn, byte*>)library.Export("nvmlErrorString");
    public readonly delegate* unmanaged<byte*, uint, NvmlReturn> DriverVersion = (delegate* unmanaged<byte*, uint, NvmlReturn>)library.Export("nvmlSystemGetDriverVersion");
    public readonly delegate* unmanaged<int*, NvmlReturn> CudaDriverVersion = (delegate* unmanaged<int*, NvmlReturn>)library.Export("nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion");
    public readonly delegate* unmanaged<uint*, NvmlReturn> DeviceCount = (delegate* unmanaged<uint*, NvmlReturn>)library.Export("nvmlDeviceGetCount_v2", "nvmlDeviceGetCount");
    public readonly delegate* unmanaged<uint, nint*, NvmlReturn> HandleByIndex = (delegate* unmanaged<uint, nint*, NvmlReturn>)library.Export("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex");
    public readonly delegate* unmanaged<nint, byte*, uint, NvmlReturn> Uuid = (delegate* unmanaged<nint, byte*, uint, NvmlReturn>)library.Export("nvmlDeviceGetUUID");
    public readonly delegate* unmanaged<nint, byte*, uint, NvmlReturn> Name = (delegate* unmanaged<nint, byte*, uint, NvmlReturn>)library.Export("nvmlDeviceGetName");

    // The first two versions fill a shorter structure, which lies at the beginning of this one.
    public readonly delegate* unmanaged<nint, NvmlPciInfo*, NvmlReturn> PciInfo = (delegate* unmanaged<nint, NvmlPciInfo*, NvmlReturn>)library.Export("nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo");
    public readonly delegate* unmanaged<nint, NvmlMemory*, NvmlReturn> Memory = (delegate* unmanaged<nint, NvmlMemory*, NvmlReturn>)library.Export("nvmlDeviceGetMemoryInfo");
    public readonly delegate* unmanaged<nint, NvmlMemoryV2*, NvmlReturn> MemoryV2 = (delegate* unmanaged<nint, NvmlMemoryV2*, NvmlReturn>)library.Export("nvmlDeviceGetMemoryInfo_v2");
    public readonly delegate* unmanaged<nint, NvmlUtilization*, NvmlReturn> Utilization = (delegate* unmanaged<nint, NvmlUtilization*, NvmlReturn>)library.Export("nvmlDeviceGetUtilizationRates");
    public readonly delegate* unmanaged<nint, uint*, uint*, NvmlReturn> EncoderUtilization = (delegate* unmanaged<nint, uint*, uint*, NvmlReturn>)library.Export("nvmlDeviceGetEncoderUtilization");
    public readonly delegate* unmanaged<nint, uint*, uint*, NvmlReturn> DecoderUtilization = (delegate* unmanaged<nint, uint*, uint*, NvmlReturn>)library.Export("nvmlDeviceGetDecoderUtilization");
    public readonly delegate* unmanaged<nint, uint, uint*, NvmlReturn> Temperature = (delegate* unmanaged<nint, uint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetTemperature");
    public readonly delegate* unmanaged<nint, uint, uint*, NvmlReturn> TemperatureThreshold = (delegate* unmanaged<nint, uint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetTemperatureThreshold");
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> FanSpeed = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetFanSpeed");
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> PowerUsage = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetPowerUsage");
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> PowerLimit = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetPowerManagementLimit");
    public readonly delegate* unmanaged<nint, ulong*, NvmlReturn> Energy = (delegate* unmanaged<nint, ulong*, NvmlReturn>)library.Export("nvmlDeviceGetTotalEnergyConsumption");
    public readonly delegate* unmanaged<nint, uint, uint*, NvmlReturn> Clock = (delegate* unmanaged<nint, uint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetClockInfo");
    public readonly delegate* unmanaged<nint, uint, uint*, NvmlReturn> MaxClock = (delegate* unmanaged<nint, uint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetMaxClockInfo");
    public readonly delegate* unmanaged<nint, ulong*, NvmlReturn> ClockReasons = (delegate* unmanaged<nint, ulong*, NvmlReturn>)library.Export("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons");
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> PerformanceState = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetPerformanceState");
    public readonly delegate* unmanaged<nint, uint*, uint*, NvmlReturn> EccMode = (delegate* unmanaged<nint, uint*, uint*, NvmlReturn>)library.Export("nvmlDeviceGetEccMode");
    public readonly delegate* unmanaged<nint, uint, uint, ulong*, NvmlReturn> TotalEccErrors = (delegate* unmanaged<nint, uint, uint, ulong*, NvmlReturn>)library.Export("nvmlDeviceGetTotalEccErrors");
    public readonly delegate* unmanaged<nint, uint, uint*, ulong*, NvmlReturn> RetiredPages = (delegate* unmanaged<nint, uint, uint*, ulong*, NvmlReturn>)library.Export("nvmlDeviceGetRetiredPages");
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> RetiredPagesPending = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetRetiredPagesPendingStatus");
    public readonly delegate* unmanaged<nint, uint*, uint*, uint*, uint*, NvmlReturn> RemappedRows = (delegate* unmanaged<nint, uint*, uint*, uint*, uint*, NvmlReturn>)library.Export("nvmlDeviceGetRemappedRows");
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> PcieGeneration = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetCurrPcieLinkGeneration");
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> PcieWidth = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetCurrPcieLinkWidth");
    public readonly delegate* unmanaged<nint, uint, uint*, NvmlReturn> PcieThroughput = (delegate* unmanaged<nint, uint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetPcieThroughput");
    public readonly delegate* unmanaged<nint, int, NvmlFieldValue*, NvmlReturn> FieldValues = (delegate* unmanaged<nint, int, NvmlFieldValue*, NvmlReturn>)library.Export("nvmlDeviceGetFieldValues");
    public readonly delegate* unmanaged<nint, uint*, uint*, NvmlReturn> MigMode = (delegate* unmanaged<nint, uint*, uint*, NvmlReturn>)library.Export("nvmlDeviceGetMigMode");
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> MaxMigDevices = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetMaxMigDeviceCount");
    public readonly delegate* unmanaged<nint, uint, nint*, NvmlReturn> MigDeviceByIndex = (delegate* unmanaged<nint, uint, nint*, NvmlReturn>)library.Export("nvmlDeviceGetMigDeviceHandleByIndex");
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> GpuInstanceId = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetGpuInstanceId");
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> ComputeInstanceId = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetComputeInstanceId");
    public readonly delegate* unmanaged<nint, uint*, void*, NvmlReturn> ComputeProcesses = (delegate* unmanaged<nint, uint*, void*, NvmlReturn>)Processes(library, "Compute");
    public readonly delegate* unmanaged<nint, uint*, void*, NvmlReturn> GraphicsProcesses = (delegate* unmanaged<nint, uint*, void*, NvmlReturn>)Processes(library, "Graphics");
    public readonly delegate* unmanaged<nint*, NvmlReturn> EventSetCreate = (delegate* unmanaged<nint*, NvmlReturn>)library.Export("nvmlEventSetCreate");
    public readonly delegate* unmanaged<nint, NvmlReturn> EventSetFree = (delegate* unmanaged<nint, NvmlReturn>)library.Export("nvmlEventSetFree");
    public readonly delegate* unmanaged<nint, ulong, nint, NvmlReturn> RegisterEvents = (delegate* unmanaged<nint, ulong, nint, NvmlReturn>)library.Export("nvmlDeviceRegisterEvents");
    public readonly delegate* unmanaged<nint, NvmlEventData*, uint, NvmlReturn> EventSetWait = (delegate* unmanaged<nint, NvmlEventData*, uint, NvmlReturn>)library.Export("nvmlEventSetWait_v2", "nvmlEventSetWait");

    /// <summary>Whether the process functions fill <see cref="NvmlProcessInfoV1"/>, as the first versions do.</summary>
    public readonly bool ProcessesAreFirstVersion = HasFirstVersionOnly(library);

    /// <summary>Whether the functions without which nothing can be told are there.</summary>
    public bool IsUsable => Init is not null && Shutdown is not null && DeviceCount is not null && HandleByIndex is not null;

    private static bool HasFirstVersionOnly(NvmlLibraryHandle library) =>
        library.Export("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2") == 0;

    // Both kinds are taken in one version, for the first one's structure is shorter.
    private static nint Processes(NvmlLibraryHandle library, string kind) => HasFirstVersionOnly(library)
        ? library.Export($"nvmlDeviceGet{kind}RunningProcesses")
        : library.Export($"nvmlDeviceGet{kind}RunningProcesses_v3", $"nvmlDeviceGet{kind}RunningProcesses_v2");
}

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
