namespace RobustTrain.Monitoring.Gpu.Nvml;

/// <summary>NVML's return codes, as far as they are told apart here (nvml.h, <c>nvmlReturn_t</c>).</summary>
internal enum NvmlReturn
{
    Success = 0,
    Uninitialized = 1,
    InvalidArgument = 2,
    NotSupported = 3,
    NoPermission = 4,
    NotFound = 6,
    InsufficientSize = 7,
    DriverNotLoaded = 9,
    Timeout = 10,
    FunctionNotFound = 13,
    GpuIsLost = 15,
    ResetRequired = 16,
    LibraryVersionMismatch = 18,
    Unknown = 999,
}
