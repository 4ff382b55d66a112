using RobustTrain.Native.Interop;

namespace RobustTrain.Native;

/// <summary>Whether libtorch refuses operators whose result may differ from run to run. For the whole process.</summary>
/// <remarks>TorchSharp declares these settings and does not implement them.</remarks>
public static class Determinism
{
    /// <summary>Whether the setting is on.</summary>
    public static bool Enabled => NativeMethods.rt_deterministic() != 0;

    /// <summary>Whether such an operator only warns.</summary>
    public static bool WarnsOnly => NativeMethods.rt_deterministic_warn_only() != 0;

    /// <param name="enabled">Whether to refuse.</param>
    /// <param name="warnOnly">Whether to warn instead.</param>
    public static void Set(bool enabled, bool warnOnly = false) => _ = NativeMethods.Check(NativeMethods.rt_set_deterministic(enabled ? 1 : 0, warnOnly ? 1 : 0));
}
