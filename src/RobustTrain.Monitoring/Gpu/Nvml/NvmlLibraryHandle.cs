using System.Runtime.InteropServices;

namespace RobustTrain.Monitoring.Gpu.Nvml;

/// <summary>The loaded NVML library.</summary>
internal sealed class NvmlLibraryHandle : SafeHandle
{
    private NvmlLibraryHandle(nint library)
        : base(0, ownsHandle: true) => SetHandle(library);

    public override bool IsInvalid => handle == 0;

    /// <summary>Where NVML lies on this system; <c>ROBUSTTRAIN_NVML</c> names another file.</summary>
    public static IReadOnlyList<string> Candidates => Environment.GetEnvironmentVariable("ROBUSTTRAIN_NVML") is { Length: > 0 } named
        ? [named]
        : OperatingSystem.IsWindows() ? ["nvml.dll"] : ["libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1"];

    /// <summary>Loads the library, or returns null where it is not there.</summary>
    public static NvmlLibraryHandle? TryLoad(IEnumerable<string> candidates)
    {
        foreach (string name in candidates)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return new NvmlLibraryHandle(library);
        }

        return null;
    }

    /// <summary>The address of the first of the names that the library exports; 0 where it has none.</summary>
    public nint Export(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryGetExport(handle, name, out nint address))
                return address;
        }

        return 0;
    }

    protected override bool ReleaseHandle()
    {
        NativeLibrary.Free(handle);
        return true;
    }
}
