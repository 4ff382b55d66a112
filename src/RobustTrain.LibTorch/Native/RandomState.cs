using RobustTrain.Native.Interop;
using static TorchSharp.torch;

namespace RobustTrain.Native;

/// <summary>The state of a device's default generator, as bytes: TorchSharp knows the CPU's only.</summary>
public static class RandomState
{
    /// <exception cref="TorchException">There is no such device.</exception>
    public static Tensor Get(Device device)
    {
        nint generator = Default(device);
        try
        {
            _ = NativeMethods.Check(NativeMethods.rt_generator_state(generator, out nint state));
            return new Tensor(state);
        }
        finally
        {
            NativeMethods.rt_generator_free(generator);
        }
    }

    /// <param name="device">Of the same type as the one that the state came from.</param>
    /// <param name="state">What <see cref="Get"/> gave.</param>
    /// <exception cref="TorchException">There is no such device, or the bytes are no state of its generator.</exception>
    public static void Set(Device device, Tensor state)
    {
        nint generator = Default(device);
        try
        {
            _ = NativeMethods.Check(NativeMethods.rt_generator_set_state(generator, state.Handle));
            GC.KeepAlive(state);
        }
        finally
        {
            NativeMethods.rt_generator_free(generator);
        }
    }

    private static nint Default(Device device)
    {
        _ = NativeMethods.Check(NativeMethods.rt_generator_default((int)device.type, device.index, out nint generator));
        return generator;
    }
}
