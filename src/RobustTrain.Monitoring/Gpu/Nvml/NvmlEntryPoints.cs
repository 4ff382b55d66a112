namespace RobustTrain.Monitoring.Gpu.Nvml;

/// <summary>
/// NVML's functions, by the newest version that the driver exports. One that an old driver lacks is null, and what it would have told
/// is null in the status.
/// </summary>
internal sealed unsafe class NvmlEntryPoints
{
    public readonly delegate* unmanaged<NvmlReturn> Init;
    public readonly delegate* unmanaged<NvmlReturn> Shutdown;
    public readonly delegate* unmanaged<NvmlReturn, byte*> ErrorString;
    public readonly delegate* unmanaged<byte*, uint, NvmlReturn> DriverVersion;
    public readonly delegate* unmanaged<int*, NvmlReturn> CudaDriverVersion;
    public readonly delegate* unmanaged<uint*, NvmlReturn> DeviceCount;
    public readonly delegate* unmanaged<uint, nint*, NvmlReturn> HandleByIndex;
    public readonly delegate* unmanaged<nint, byte*, uint, NvmlReturn> Uuid;
    public readonly delegate* unmanaged<nint, byte*, uint, NvmlReturn> Name;
    public readonly delegate* unmanaged<nint, NvmlPciInfo*, NvmlReturn> PciInfo;
    public readonly delegate* unmanaged<nint, NvmlMemory*, NvmlReturn> Memory;
    public readonly delegate* unmanaged<nint, NvmlMemoryV2*, NvmlReturn> MemoryV2;
    public readonly delegate* unmanaged<nint, NvmlUtilization*, NvmlReturn> Utilization;
    public readonly delegate* unmanaged<nint, uint*, uint*, NvmlReturn> EncoderUtilization;
    public readonly delegate* unmanaged<nint, uint*, uint*, NvmlReturn> DecoderUtilization;
    public readonly delegate* unmanaged<nint, uint, uint*, NvmlReturn> Temperature;
    public readonly delegate* unmanaged<nint, uint, uint*, NvmlReturn> TemperatureThreshold;
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> FanSpeed;
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> PowerUsage;
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> PowerLimit;
    public readonly delegate* unmanaged<nint, ulong*, NvmlReturn> Energy;
    public readonly delegate* unmanaged<nint, uint, uint*, NvmlReturn> Clock;
    public readonly delegate* unmanaged<nint, uint, uint*, NvmlReturn> MaxClock;
    public readonly delegate* unmanaged<nint, ulong*, NvmlReturn> ClockReasons;
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> PerformanceState;
    public readonly delegate* unmanaged<nint, uint*, uint*, NvmlReturn> EccMode;
    public readonly delegate* unmanaged<nint, uint, uint, ulong*, NvmlReturn> TotalEccErrors;
    public readonly delegate* unmanaged<nint, uint, uint*, ulong*, NvmlReturn> RetiredPages;
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> RetiredPagesPending;
    public readonly delegate* unmanaged<nint, uint*, uint*, uint*, uint*, NvmlReturn> RemappedRows;
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> PcieGeneration;
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> PcieWidth;
    public readonly delegate* unmanaged<nint, uint, uint*, NvmlReturn> PcieThroughput;
    public readonly delegate* unmanaged<nint, int, NvmlFieldValue*, NvmlReturn> FieldValues;
    public readonly delegate* unmanaged<nint, uint*, uint*, NvmlReturn> MigMode;
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> MaxMigDevices;
    public readonly delegate* unmanaged<nint, uint, nint*, NvmlReturn> MigDeviceByIndex;
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> GpuInstanceId;
    public readonly delegate* unmanaged<nint, uint*, NvmlReturn> ComputeInstanceId;
    public readonly delegate* unmanaged<nint, uint*, void*, NvmlReturn> ComputeProcesses;
    public readonly delegate* unmanaged<nint, uint*, void*, NvmlReturn> GraphicsProcesses;
    public readonly delegate* unmanaged<nint*, NvmlReturn> EventSetCreate;
    public readonly delegate* unmanaged<nint, NvmlReturn> EventSetFree;
    public readonly delegate* unmanaged<nint, ulong, nint, NvmlReturn> RegisterEvents;
    public readonly delegate* unmanaged<nint, NvmlEventData*, uint, NvmlReturn> EventSetWait;

    /// <summary>Whether the process functions fill <see cref="NvmlProcessInfoV1"/>, as the first versions do.</summary>
    public readonly bool ProcessesAreFirstVersion;

    public NvmlEntryPoints(NvmlLibraryHandle library)
    {
        Init = (delegate* unmanaged<NvmlReturn>)library.Export("nvmlInit_v2", "nvmlInit");
        Shutdown = (delegate* unmanaged<NvmlReturn>)library.Export("nvmlShutdown");
        ErrorString = (delegate* unmanaged<NvmlReturn, byte*>)library.Export("nvmlErrorString");
        DriverVersion = (delegate* unmanaged<byte*, uint, NvmlReturn>)library.Export("nvmlSystemGetDriverVersion");
        CudaDriverVersion = (delegate* unmanaged<int*, NvmlReturn>)library.Export("nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion");
        DeviceCount = (delegate* unmanaged<uint*, NvmlReturn>)library.Export("nvmlDeviceGetCount_v2", "nvmlDeviceGetCount");
        HandleByIndex = (delegate* unmanaged<uint, nint*, NvmlReturn>)library.Export("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex");
        Uuid = (delegate* unmanaged<nint, byte*, uint, NvmlReturn>)library.Export("nvmlDeviceGetUUID");
        Name = (delegate* unmanaged<nint, byte*, uint, NvmlReturn>)library.Export("nvmlDeviceGetName");

        // The first two versions fill a shorter structure, which lies at the beginning of this one.
        PciInfo = (delegate* unmanaged<nint, NvmlPciInfo*, NvmlReturn>)library.Export("nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo");
        Memory = (delegate* unmanaged<nint, NvmlMemory*, NvmlReturn>)library.Export("nvmlDeviceGetMemoryInfo");
        MemoryV2 = (delegate* unmanaged<nint, NvmlMemoryV2*, NvmlReturn>)library.Export("nvmlDeviceGetMemoryInfo_v2");
        Utilization = (delegate* unmanaged<nint, NvmlUtilization*, NvmlReturn>)library.Export("nvmlDeviceGetUtilizationRates");
        EncoderUtilization = (delegate* unmanaged<nint, uint*, uint*, NvmlReturn>)library.Export("nvmlDeviceGetEncoderUtilization");
        DecoderUtilization = (delegate* unmanaged<nint, uint*, uint*, NvmlReturn>)library.Export("nvmlDeviceGetDecoderUtilization");
        Temperature = (delegate* unmanaged<nint, uint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetTemperature");
        TemperatureThreshold = (delegate* unmanaged<nint, uint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetTemperatureThreshold");
        FanSpeed = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetFanSpeed");
        PowerUsage = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetPowerUsage");
        PowerLimit = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetPowerManagementLimit");
        Energy = (delegate* unmanaged<nint, ulong*, NvmlReturn>)library.Export("nvmlDeviceGetTotalEnergyConsumption");
        Clock = (delegate* unmanaged<nint, uint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetClockInfo");
        MaxClock = (delegate* unmanaged<nint, uint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetMaxClockInfo");
        ClockReasons = (delegate* unmanaged<nint, ulong*, NvmlReturn>)library.Export("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons");
        PerformanceState = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetPerformanceState");
        EccMode = (delegate* unmanaged<nint, uint*, uint*, NvmlReturn>)library.Export("nvmlDeviceGetEccMode");
        TotalEccErrors = (delegate* unmanaged<nint, uint, uint, ulong*, NvmlReturn>)library.Export("nvmlDeviceGetTotalEccErrors");
        RetiredPages = (delegate* unmanaged<nint, uint, uint*, ulong*, NvmlReturn>)library.Export("nvmlDeviceGetRetiredPages");
        RetiredPagesPending = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetRetiredPagesPendingStatus");
        RemappedRows = (delegate* unmanaged<nint, uint*, uint*, uint*, uint*, NvmlReturn>)library.Export("nvmlDeviceGetRemappedRows");
        PcieGeneration = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetCurrPcieLinkGeneration");
        PcieWidth = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetCurrPcieLinkWidth");
        PcieThroughput = (delegate* unmanaged<nint, uint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetPcieThroughput");
        FieldValues = (delegate* unmanaged<nint, int, NvmlFieldValue*, NvmlReturn>)library.Export("nvmlDeviceGetFieldValues");
        MigMode = (delegate* unmanaged<nint, uint*, uint*, NvmlReturn>)library.Export("nvmlDeviceGetMigMode");
        MaxMigDevices = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetMaxMigDeviceCount");
        MigDeviceByIndex = (delegate* unmanaged<nint, uint, nint*, NvmlReturn>)library.Export("nvmlDeviceGetMigDeviceHandleByIndex");
        GpuInstanceId = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetGpuInstanceId");
        ComputeInstanceId = (delegate* unmanaged<nint, uint*, NvmlReturn>)library.Export("nvmlDeviceGetComputeInstanceId");
        ComputeProcesses = (delegate* unmanaged<nint, uint*, void*, NvmlReturn>)library.Export("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2");
        GraphicsProcesses = (delegate* unmanaged<nint, uint*, void*, NvmlReturn>)library.Export("nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2");
        if (ComputeProcesses is null)
        {
            ProcessesAreFirstVersion = true;
            ComputeProcesses = (delegate* unmanaged<nint, uint*, void*, NvmlReturn>)library.Export("nvmlDeviceGetComputeRunningProcesses");
            GraphicsProcesses = (delegate* unmanaged<nint, uint*, void*, NvmlReturn>)library.Export("nvmlDeviceGetGraphicsRunningProcesses");
        }

        EventSetCreate = (delegate* unmanaged<nint*, NvmlReturn>)library.Export("nvmlEventSetCreate");
        EventSetFree = (delegate* unmanaged<nint, NvmlReturn>)library.Export("nvmlEventSetFree");
        RegisterEvents = (delegate* unmanaged<nint, ulong, nint, NvmlReturn>)library.Export("nvmlDeviceRegisterEvents");
        EventSetWait = (delegate* unmanaged<nint, NvmlEventData*, uint, NvmlReturn>)library.Export("nvmlEventSetWait_v2", "nvmlEventSetWait");
    }

    /// <summary>Whether the functions without which nothing can be told are there.</summary>
    public bool IsUsable => Init is not null && Shutdown is not null && DeviceCount is not null && HandleByIndex is not null;
}
