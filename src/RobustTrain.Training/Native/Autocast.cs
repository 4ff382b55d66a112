using RobustTrain.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training.Native;

/// <summary>
/// Has torch compute, on the thread that calls, convolutions and products in 16 bits and what needs more in 32: torch's autocast. TorchSharp has
/// none, but what it calls in libtorch heeds it; the switches are called by the names that libtorch's compiler gave them.
/// </summary>
internal sealed unsafe class Autocast : IDisposable
{
    private static readonly nint s_isEnabled = Function("_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE", "?is_autocast_enabled@autocast@at@@YA_NW4DeviceType@c10@@@Z");
    private static readonly nint s_setEnabled = Function("_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb", "?set_autocast_enabled@autocast@at@@YAXW4DeviceType@c10@@_N@Z");
    private static readonly nint s_getType = Function("_ZN2at8autocast18get_autocast_dtypeEN3c1010DeviceTypeE", "?get_autocast_dtype@autocast@at@@YA?AW4ScalarType@c10@@W4DeviceType@4@@Z");
    private static readonly nint s_setType = Function("_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE", "?set_autocast_dtype@autocast@at@@YAXW4DeviceType@c10@@W4ScalarType@4@@Z");
    private static readonly nint s_enter = Function("_ZN2at8autocast17increment_nestingEv", "?increment_nesting@autocast@at@@YAHXZ");
    private static readonly nint s_leave = Function("_ZN2at8autocast17decrement_nestingEv", "?decrement_nesting@autocast@at@@YAHXZ");
    private static readonly nint s_forget = Function("_ZN2at8autocast11clear_cacheEv", "?clear_cache@autocast@at@@YAXXZ");

    private readonly sbyte _device;
    private readonly bool _wasEnabled;
    private readonly sbyte _formerType;

    private Autocast(DeviceType device, ScalarType type)
    {
        _device = (sbyte)device;
        _wasEnabled = IsEnabled(device);
        _formerType = ((delegate* unmanaged<sbyte, sbyte>)s_getType)(_device);
        ((delegate* unmanaged<int>)s_enter)();
        Set(true, (sbyte)type);
    }

    /// <summary>Begins; what was before comes back when the result is disposed of, by the same thread.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="type">Float16 or BFloat16.</param>
    /// <exception cref="TypeInitializationException">This libtorch has no such functions; the inner <see cref="RunException"/> says so.</exception>
    public static IDisposable Begin(DeviceType device, ScalarType type) => new Autocast(device, type);

    /// <summary>Whether the calling thread computes in 16 bits on a device.</summary>
    public static bool IsEnabled(DeviceType device) => ((delegate* unmanaged<sbyte, byte>)s_isEnabled)((sbyte)device) != 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        // The weights in 16 bits are kept until the outermost is left.
        if (((delegate* unmanaged<int>)s_leave)() == 0)
            ((delegate* unmanaged<void>)s_forget)();
        Set(_wasEnabled, _formerType);
    }

    private void Set(bool enabled, sbyte type)
    {
        ((delegate* unmanaged<sbyte, sbyte, void>)s_setType)(_device, type);
        ((delegate* unmanaged<sbyte, byte, void>)s_setEnabled)(_device, enabled ? (byte)1 : (byte)0);
    }

    private static nint Function(string itanium, string microsoft) => LibTorch.Function(itanium, microsoft, () => new RunException(
        ExitCode.Configuration, "PrecisionNotAvailable",
        $"trainer.precision is not fp32, but libtorch {LibTorch.Version} has no function to ask for 16 bits; set it to fp32.", "trainer.precision"));
}
