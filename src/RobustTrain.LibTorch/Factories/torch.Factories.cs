using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RobustTrain.Native.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor eye(long rows, long columns = -1, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        Unnamed(names);
        return Made(Aten.eye_m.Call(rows, columns < 0 ? rows : columns, dtype ?? s_defaultDType, Arg.None, InitializeDevice(device)), requires_grad);
    }

    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
    {
        dtype ??= is_integral(start.Type) && is_integral(stop.Type) && is_integral(step.Type) ? ScalarType.Int64 : s_defaultDType;
        return Made(Aten.arange_start_step.Call(start, stop, step, dtype, Arg.None, InitializeDevice(device)), requires_grad);
    }

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Aten.linspace.Call(start, end, steps, dtype ?? s_defaultDType, Arg.None, InitializeDevice(device)), requires_grad);

    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Like(Aten.empty_like, input, dtype, device, requires_grad, names);
    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Like(Aten.zeros_like, input, dtype, device, requires_grad, names);
    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Like(Aten.ones_like, input, dtype, device, requires_grad, names);
    public static Tensor rand_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Like(Aten.rand_like, input, dtype, device, requires_grad, null);
    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Like(Aten.randn_like, input, dtype, device, requires_grad, null);

    public static Tensor full_like(Tensor input, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        Unnamed(names);
        return Made(Aten.full_like.Call(input, value, dtype, Arg.None, device), requires_grad);
    }

    /// <summary>A tensor of the values of an array of any rank, which are copied.</summary>
    public static Tensor from_array(Array rawArray, Device? device = null) => from_array(rawArray, null, device);

    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        var dimensions = new long[rawArray.Rank];
        for (int i = 0; i < dimensions.Length; i++) dimensions[i] = rawArray.GetLongLength(i);
        return Type.GetTypeCode(rawArray.GetType().GetElementType()) switch
        {
            TypeCode.Single => Of<float>(Flat<float>(rawArray), dimensions, dtype, device, requires_grad, names),
            TypeCode.Double => Of<double>(Flat<double>(rawArray), dimensions, dtype, device, requires_grad, names),
            TypeCode.Int64 => Of<long>(Flat<long>(rawArray), dimensions, dtype, device, requires_grad, names),
            TypeCode.Int32 => Of<int>(Flat<int>(rawArray), dimensions, dtype, device, requires_grad, names),
            TypeCode.Int16 => Of<short>(Flat<short>(rawArray), dimensions, dtype, device, requires_grad, names),
            TypeCode.SByte => Of<sbyte>(Flat<sbyte>(rawArray), dimensions, dtype, device, requires_grad, names),
            TypeCode.Byte => Of<byte>(Flat<byte>(rawArray), dimensions, dtype, device, requires_grad, names),
            TypeCode.Boolean => Of<bool>(Flat<bool>(rawArray), dimensions, dtype, device, requires_grad, names),
            _ => throw new ArgumentException($"An array of {rawArray.GetType().GetElementType()} cannot become a tensor.", nameof(rawArray)),
        };
    }

    private static Tensor MakeZeros(long[] size, ScalarType? dtype, Device? device, bool requiresGrad, string[]? names) => Sized(Aten.zeros, size, dtype, device, requiresGrad, names);
    private static Tensor MakeOnes(long[] size, ScalarType? dtype, Device? device, bool requiresGrad, string[]? names) => Sized(Aten.ones, size, dtype, device, requiresGrad, names);
    private static Tensor MakeEmpty(long[] size, ScalarType? dtype, Device? device, bool requiresGrad, string[]? names) => Sized(Aten.empty_memory_format, size, dtype, device, requiresGrad, names);

    private static Tensor MakeFull(long[] size, Scalar value, ScalarType? dtype, Device? device, bool requiresGrad, string[]? names)
    {
        Unnamed(names);
        dtype ??= value.Type == ScalarType.Bool ? ScalarType.Bool : is_integral(value.Type) ? ScalarType.Int64 : s_defaultDType;
        return Made(Aten.full.Call(size, value, dtype, Arg.None, InitializeDevice(device)), requiresGrad);
    }

    private static Tensor MakeRand(long[] size, ScalarType? dtype, Device? device, bool requiresGrad, Generator? generator, string[]? names) =>
        Drawn(Aten.rand_generator, size, dtype, device, requiresGrad, generator, names);
    private static Tensor MakeRandn(long[] size, ScalarType? dtype, Device? device, bool requiresGrad, Generator? generator, string[]? names) =>
        Drawn(Aten.randn_generator, size, dtype, device, requiresGrad, generator, names);

    private static Tensor Sized(Op op, long[] size, ScalarType? dtype, Device? device, bool requiresGrad, string[]? names)
    {
        Unnamed(names);
        return Made(op.Call(size, dtype ?? s_defaultDType, Arg.None, InitializeDevice(device)), requiresGrad);
    }

    private static Tensor Drawn(Op op, long[] size, ScalarType? dtype, Device? device, bool requiresGrad, Generator? generator, string[]? names)
    {
        Unnamed(names);
        return Made(op.Call(size, generator, dtype ?? s_defaultDType, Arg.None, InitializeDevice(device)), requiresGrad);
    }

    private static Tensor Like(Op op, Tensor input, ScalarType? dtype, Device? device, bool requiresGrad, string[]? names)
    {
        Unnamed(names);
        return Made(op.Call(input, dtype, Arg.None, device), requiresGrad);
    }

    private static unsafe Tensor Of<T>(ReadOnlySpan<T> values, ReadOnlySpan<long> dimensions, ScalarType? dtype, Device? device, bool requiresGrad, string[]? names)
        where T : unmanaged
    {
        Unnamed(names);
        long expected = 1;
        foreach (long size in dimensions) expected *= size;
        if (expected > values.Length)
            throw new ArgumentException($"mismatched total size creating a tensor from an array: {expected} vs. {values.Length}");
        device = InitializeDevice(device);
        ScalarType type = Tensor.TypeOf<T>();
        nint handle;
        fixed (T* data = values)
        fixed (long* sizes = dimensions)
            _ = NativeMethods.Check(NativeMethods.rt_tensor_from_memory(data, sizes, dimensions.Length, (int)type, out handle));
        var made = new Tensor(handle);
        if ((dtype is not null && dtype != type) || device.type != DeviceType.CPU) made = made.to(dtype ?? type, device, disposeAfter: true);
        return Made(made, requiresGrad);
    }

    private static Tensor Made(Tensor tensor, bool requiresGrad)
    {
        if (requiresGrad) tensor.requires_grad = true;
        return tensor;
    }

    private static void Unnamed(string[]? names)
    {
        if (names is { Length: > 0 }) throw new NotSupportedException("Named dimensions are not supported by this provider of TorchSharp's API.");
    }

    private static ReadOnlySpan<T> AsSpan<T>(IList<T> list) => list switch
    {
        T[] array => array,
        List<T> plain => CollectionsMarshal.AsSpan(plain),
        _ => list.ToArray(),
    };

    private static ReadOnlySpan<T> Flat<T>(Array array) where T : unmanaged =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(array)), array.Length);
}
