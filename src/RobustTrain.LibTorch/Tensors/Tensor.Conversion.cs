using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RobustTrain.Native.Interop;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor cpu() => to(DeviceType.CPU);
        public Tensor cuda(Device? device = null, bool non_blocking = false) => to(device ?? CUDA, non_blocking: non_blocking);

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted(Aten.to_dtype.Call(this, type, non_blocking, copy), disposeAfter);

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to_type(type, copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted(Aten.to_device.Call(this, InitializeDevice(device), type, non_blocking, copy), disposeAfter);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(dtype, device, copy, disposeAfter, non_blocking);

        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(Tensor other, bool non_blocking = false) => to(other.dtype, other.device, non_blocking: non_blocking);

        public Tensor type_as(Tensor tensor) => to_type(tensor.dtype);
        public Tensor type(ScalarType dtype) => to_type(dtype);

        public Tensor @bool() => to_type(ScalarType.Bool);
        public Tensor @byte() => to_type(ScalarType.Byte);
        public Tensor @char() => to_type(ScalarType.Int8);
        public Tensor @short() => to_type(ScalarType.Int16);
        public Tensor @int() => to_type(ScalarType.Int32);
        public Tensor @long() => to_type(ScalarType.Int64);
        public Tensor half() => to_type(ScalarType.Float16);
        public Tensor bfloat16() => to_type(ScalarType.BFloat16);
        public Tensor @float() => to_type(ScalarType.Float32);
        public Tensor @double() => to_type(ScalarType.Float64);

        /// <summary>The memory of a contiguous tensor on the CPU, not copied: valid while the tensor is.</summary>
        /// <exception cref="NotSupportedException">The tensor is not contiguous or not on the CPU.</exception>
        public unsafe Span<byte> bytes
        {
            get
            {
                RequireHostMemory();
                return new Span<byte>((void*)Data, checked((int)(NumberOfElements * ElementSize)));
            }
            set
            {
                Span<byte> target = bytes;
                if (value.Length != target.Length) throw new ArgumentException($"The tensor has {target.Length} bytes, but {value.Length} were given.", nameof(value));
                value.CopyTo(target);
            }
        }

        /// <summary>Reads and writes the elements of a tensor on the CPU.</summary>
        /// <exception cref="ArgumentException">The tensor's elements are of another type.</exception>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            RequireType<T>();
            if (!is_cpu()) throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
            return new TensorAccessor<T>(this);
        }

        /// <summary>The value of a tensor of one element.</summary>
        /// <exception cref="ArgumentException">The tensor has several elements, or another type.</exception>
        public T item<T>() where T : unmanaged
        {
            if (NumberOfElements != 1) throw new ArgumentException($"item() takes a tensor of one element, but this one has {NumberOfElements}.");
            RequireType<T>();
            if (is_cpu()) unsafe { return Unsafe.ReadUnaligned<T>((void*)Data); }
            using Tensor host = cpu();
            return host.item<T>();
        }

        public Scalar ToScalar()
        {
            _ = NativeMethods.Check(NativeMethods.rt_tensor_item(Handle, out NativeValue value));
            return value.Tag switch
            {
                NativeTag.Double => value.Real,
                NativeTag.Bool => value.Bits != 0,
                _ => value.Bits,
            };
        }

        public static explicit operator float(Tensor value) => (float)value.Number();
        public static explicit operator double(Tensor value) => value.Number();
        public static explicit operator sbyte(Tensor value) => (sbyte)value.Integer();
        public static explicit operator byte(Tensor value) => (byte)value.Integer();
        public static explicit operator short(Tensor value) => (short)value.Integer();
        public static explicit operator int(Tensor value) => (int)value.Integer();
        public static explicit operator long(Tensor value) => value.Integer();
        public static explicit operator bool(Tensor value) => value.Number() != 0;

        internal nint Data
        {
            get
            {
                _ = NativeMethods.Check(NativeMethods.rt_tensor_data(Handle, out nint data));
                return data;
            }
        }

        internal double Number()
        {
            _ = NativeMethods.Check(NativeMethods.rt_tensor_item(Handle, out NativeValue value));
            return value.Tag == NativeTag.Double ? value.Real : value.Bits;
        }

        private long Integer()
        {
            _ = NativeMethods.Check(NativeMethods.rt_tensor_item(Handle, out NativeValue value));
            return value.Tag == NativeTag.Double ? (long)value.Real : value.Bits;
        }

        internal static ScalarType TypeOf<T>() where T : unmanaged =>
            typeof(T) == typeof(float) ? ScalarType.Float32
            : typeof(T) == typeof(double) ? ScalarType.Float64
            : typeof(T) == typeof(long) ? ScalarType.Int64
            : typeof(T) == typeof(int) ? ScalarType.Int32
            : typeof(T) == typeof(short) ? ScalarType.Int16
            : typeof(T) == typeof(sbyte) ? ScalarType.Int8
            : typeof(T) == typeof(byte) ? ScalarType.Byte
            : typeof(T) == typeof(bool) ? ScalarType.Bool
            : typeof(T) == typeof(Half) ? ScalarType.Float16
            : throw new NotSupportedException($"{typeof(T).Name} is no element type of a tensor.");

        private void RequireType<T>() where T : unmanaged
        {
            ScalarType expected = TypeOf<T>(), actual = dtype;
            if (expected != actual)
                throw new ArgumentException($"{typeof(T).Name} is not compatible with {actual}; convert the tensor first, or ask for its own type.");
        }

        private void RequireHostMemory()
        {
            if (!is_contiguous()) throw new NotSupportedException("bytes is only supported for contiguous tensors; call contiguous() first.");
            if (!is_cpu()) throw new NotSupportedException("bytes is only supported for tensors on the CPU; call cpu() first.");
        }

        // A conversion that changes nothing gives another handle to the same tensor, so the argument can go in either case.
        private Tensor Converted(Tensor result, bool disposeAfter)
        {
            if (disposeAfter) Dispose();
            return result;
        }
    }
}
