using RobustTrain.Native.Interop;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            protected internal virtual Module _to(Device device, ScalarType dtype, bool non_blocking) => Place(device, RequireFloating(dtype), non_blocking);

            protected internal virtual Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) =>
                Place(new Device(deviceType, deviceIndex), null, non_blocking);

            protected internal virtual Module _to(ScalarType dtype, bool non_blocking) => Place(null, RequireFloating(dtype), non_blocking);

            public Module _to(Tensor other, bool non_blocking) => _to(other.device, other.dtype, non_blocking);

            /// <summary>Moves and converts in place: the parameters stay the same objects, so an optimiser may hold them already.</summary>
            private Module Place(Device? device, ScalarType? dtype, bool non_blocking)
            {
                if (device is not null) InitializeDeviceType(device.type);
                using IDisposable quiet = no_grad();
                foreach (Tensor tensor in _parametersByName.Values.Concat(_buffers.Values.Select(buffer => buffer.Value)))
                {
                    if (tensor.IsInvalid) continue;
                    Convert(tensor, device, dtype, non_blocking);
                    using Tensor? grad = tensor.grad;
                    if (grad is null) continue;
                    Convert(grad, device, dtype, non_blocking);
                    tensor.grad = grad;
                }
                foreach ((_, Module child) in named_children())
                {
                    if (device is null) _ = child._to(dtype!.Value, non_blocking);
                    else if (dtype is null) _ = child._to(device.type, device.index, non_blocking);
                    else _ = child._to(device, dtype.Value, non_blocking);
                }
                return this;
            }

            private static void Convert(Tensor tensor, Device? device, ScalarType? dtype, bool non_blocking)
            {
                // Counters and masks keep their type.
                ScalarType type = dtype is ScalarType wanted && tensor.is_floating_point() ? wanted : tensor.dtype;
                Device place = device ?? tensor.device;
                if (type == tensor.dtype && place.type == tensor.device_type && (place.index == -1 || place.index == tensor.device_index)) return;
                using Tensor moved = tensor.to(type, place, non_blocking: non_blocking);
                _ = NativeMethods.Check(NativeMethods.rt_tensor_set_data(tensor.Handle, moved.Handle));
            }

            protected static (Device device, ScalarType dtype) GetDefaultDeviceAndType(Device? device = null, ScalarType? dtype = null) =>
                (device ?? get_default_device(), dtype ?? get_default_dtype());

            private static ScalarType RequireFloating(ScalarType dtype) => is_floating_point(dtype) || is_complex(dtype)
                ? dtype
                : throw new ArgumentException($"nn.Module.to only accepts floating point or complex types, but got desired dtype={dtype}");
        }
    }
}
