using RobustTrain.Native.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public long Dimensions => NativeMethods.Check(NativeMethods.rt_tensor_dim(Handle));
        public long ndim => Dimensions;
        public long dim() => Dimensions;
        public long NumberOfElements => NativeMethods.Check(NativeMethods.rt_tensor_numel(Handle));
        public long numel() => NumberOfElements;
        public long ElementSize => NativeMethods.Check(NativeMethods.rt_tensor_element_size(Handle));
        public long element_size() => ElementSize;
        public ScalarType dtype => (ScalarType)NativeMethods.Check(NativeMethods.rt_tensor_dtype(Handle));

        public Device device
        {
            get
            {
                (DeviceType type, int index) = Placement;
                return new Device(type, index);
            }
        }

        public DeviceType device_type => Placement.Type;
        public int device_index => Placement.Index;
        public bool is_cuda => Placement.Type == DeviceType.CUDA;
        public bool is_meta => Placement.Type == DeviceType.META;
        public bool is_cpu() => Placement.Type == DeviceType.CPU;
        public bool is_sparse => NativeMethods.Check(NativeMethods.rt_tensor_layout(Handle)) == 1;
        public bool is_leaf => NativeMethods.Check(NativeMethods.rt_tensor_is_leaf(Handle)) != 0;
        public bool is_integral() => torch.is_integral(dtype);
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_complex() => torch.is_complex(dtype);
        public bool is_contiguous() => NativeMethods.Check(NativeMethods.rt_tensor_is_contiguous(Handle)) != 0;
        public bool is_pinned() => NativeMethods.Check(NativeMethods.rt_tensor_is_pinned(Handle)) != 0;
        public bool is_nonzero() => Aten.is_nonzero.CallInt(this) != 0;

        public unsafe long[] shape
        {
            get
            {
                var sizes = new long[Dimensions];
                fixed (long* p = sizes) _ = NativeMethods.Check(NativeMethods.rt_tensor_sizes(Handle, p));
                return sizes;
            }
        }

        public long[] size() => shape;

        public unsafe long size(int dim)
        {
            int count = (int)Dimensions;
            int at = dim < 0 ? dim + count : dim;
            if ((uint)at >= (uint)count) throw new ArgumentOutOfRangeException(nameof(dim), dim, $"The tensor has {count} dimensions.");
            long* sizes = stackalloc long[count];
            _ = NativeMethods.Check(NativeMethods.rt_tensor_sizes(Handle, sizes));
            return sizes[at];
        }

        public unsafe long[] stride()
        {
            var strides = new long[Dimensions];
            fixed (long* p = strides) _ = NativeMethods.Check(NativeMethods.rt_tensor_strides(Handle, p));
            return strides;
        }

        public long stride(int dim)
        {
            long[] strides = stride();
            return strides[dim < 0 ? dim + strides.Length : dim];
        }

        public long storage_offset()
        {
            _ = NativeMethods.Check(NativeMethods.rt_tensor_storage_offset(Handle, out long offset));
            return offset;
        }

        private (DeviceType Type, int Index) Placement
        {
            get
            {
                _ = NativeMethods.Check(NativeMethods.rt_tensor_device(Handle, out int type, out int index));
                return ((DeviceType)type, index);
            }
        }

        /// <summary>Shape, type and device, e.g. "[2x3], type = Float32, device = cpu".</summary>
        public override string ToString() =>
            IsInvalid ? base.ToString()! : $"[{string.Join('x', shape)}], type = {dtype}, device = {device}";
    }
}
