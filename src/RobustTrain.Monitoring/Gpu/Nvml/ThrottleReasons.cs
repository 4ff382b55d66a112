namespace RobustTrain.Monitoring.Gpu.Nvml;

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
