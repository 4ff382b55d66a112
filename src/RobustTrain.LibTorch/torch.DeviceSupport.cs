using System.Runtime.InteropServices;
using RobustTrain.Native.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static bool cuda_is_available() => NativeMethods.rt_cuda_device_count() > 0;

    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType switch
    {
        DeviceType.CPU or DeviceType.META => true,
        DeviceType.CUDA => cuda_is_available(),
        _ => false,
    };

    /// <exception cref="InvalidOperationException">There is no such device here.</exception>
    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (!TryInitializeDeviceType(deviceType))
            throw new InvalidOperationException($"Torch device type {deviceType} did not initialise on this machine.");
    }

    public static Device InitializeDevice(Device? device)
    {
        device ??= get_default_device();
        InitializeDeviceType(device.type);
        return device;
    }

    public static class cuda
    {
        public static bool is_available() => cuda_is_available();
        public static bool is_cudnn_available() => NativeMethods.rt_cuda_has_cudnn() != 0;
        public static int device_count() => NativeMethods.rt_cuda_device_count();
        public static void manual_seed(long seed) => torch.manual_seed(seed);
        public static void manual_seed_all(long seed) => torch.manual_seed(seed);

        public static void synchronize(Device? device = null) =>
            _ = NativeMethods.Check(NativeMethods.rt_cuda_synchronize(device is null ? -1 : device.index));
    }

    /// <summary>The version of the libtorch in use.</summary>
    public static string __version__
    {
        get { unsafe { return Marshal.PtrToStringUTF8((nint)NativeMethods.rt_version())!; } }
    }

    public static int get_num_threads() => NativeMethods.Check(NativeMethods.rt_threads());
    public static void set_num_threads(int num) => _ = NativeMethods.Check(NativeMethods.rt_set_threads(num));
    public static int get_num_interop_threads() => NativeMethods.Check(NativeMethods.rt_interop_threads());
    public static void set_num_interop_threads(int num) => _ = NativeMethods.Check(NativeMethods.rt_set_interop_threads(num));
}
