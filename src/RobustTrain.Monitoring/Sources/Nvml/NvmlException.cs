namespace RobustTrain.Monitoring.Sources.Nvml;

/// <summary>NVML is missing, does not work or has said no.</summary>
public sealed class NvmlException : MonitorException
{
    internal NvmlException(string errorId, string message, NvmlReturn code)
        : base(errorId, message) => Code = (int)code;

    /// <summary>NVML's return code; 0 where no call was made.</summary>
    public int Code { get; }

    /// <summary>Whether the reason is that this host has no working NVIDIA driver, rather than that something broke.</summary>
    public bool IsAbsence => ErrorId is "NvmlNotFound" or "NvidiaDriverNotLoaded" or "NvmlVersionMismatch" or "NvmlTooOld";

    internal static NvmlException NotFound(IReadOnlyList<string> candidates) => new(
        "NvmlNotFound",
        $"NVML was not found ({string.Join(", ", candidates)}): the NVIDIA driver is not installed, or its libraries are not on the library path.",
        NvmlReturn.Success);

    internal static NvmlException TooOld() => new(
        "NvmlTooOld",
        "The NVML library that was found lacks the functions to list GPUs: it is not NVIDIA's, or far too old.",
        NvmlReturn.FunctionNotFound);

    internal static NvmlException From(string call, NvmlReturn code, string? text) => code switch
    {
        NvmlReturn.DriverNotLoaded => new("NvidiaDriverNotLoaded", "NVML is installed, but the NVIDIA kernel driver is not loaded (no GPU, or the module is missing).", code),
        NvmlReturn.LibraryVersionMismatch => new("NvmlVersionMismatch", "NVML and the loaded NVIDIA kernel driver are of different versions; a reboot after the driver's update puts this right.", code),
        NvmlReturn.NoPermission => new("NvmlNoPermission", $"NVML refused {call}: this user may not access the GPUs.", code),
        _ => new("NvmlFailed", $"NVML's {call} failed: {text ?? "no text"} (code {(int)code}).", code),
    };
}

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
