using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Native.Interop;

/// <summary>Calls of scripted modules: their arguments and results as objects.</summary>
internal static unsafe class ScriptCalls
{
    private const int MaxResults = 64;

    internal static List<(string Name, nint Handle)> Parameters(ScriptHandle module) => Visit(module, parameters: true);

    internal static List<(string Name, nint Handle)> Buffers(ScriptHandle module) => Visit(module, parameters: false);

    /// <summary>A tensor, a number, a string, an array of tensors, or a tuple of up to five of one kind, as TorchSharp has it.</summary>
    internal static object? Invoke(ScriptHandle module, string method, object?[] inputs)
    {
        var args = new Arg[inputs.Length];
        for (int i = 0; i < args.Length; i++) args[i] = ToArg(inputs[i], method);
        NativeValue* values = stackalloc NativeValue[args.Length];
        long[] scratch = new long[Op.Elements(args)];
        NativeValue* results = stackalloc NativeValue[MaxResults];
        int count, isTuple;
        fixed (long* elements = scratch)
        {
            Op.Marshal(args, values, elements);
            count = NativeMethods.rt_script_invoke(module.Value, method, values, args.Length, results, MaxResults, out isTuple);
        }
        GC.KeepAlive(inputs);
        GC.KeepAlive(module);
        _ = NativeMethods.Check(count);
        if (isTuple == 0) return FromValue(results[0]);
        var items = new object?[count];
        for (int i = 0; i < count; i++) items[i] = FromValue(results[i]);
        if (Array.TrueForAll(items, item => item is Tensor)) return Tuple(Array.ConvertAll(items, item => (Tensor)item!));
        if (Array.TrueForAll(items, item => item is Scalar)) return Tuple(Array.ConvertAll(items, item => (Scalar)item!));
        return items;
    }

    private static object? FromValue(in NativeValue value)
    {
        switch (value.Tag)
        {
            case NativeTag.Tensor: return new Tensor((nint)value.Bits);
            case NativeTag.None: return null;
            case NativeTag.Int: return (Scalar)value.Bits;
            case NativeTag.Double: return (Scalar)value.Real;
            case NativeTag.Bool: return (Scalar)(value.Bits != 0);
            case NativeTag.TensorList: return Op.TakeTensors(value);
            case NativeTag.String:
                string text = System.Text.Encoding.UTF8.GetString((byte*)value.Bits, value.Count);
                NativeMethods.rt_free_memory((void*)value.Bits);
                return text;
            case NativeTag.IntList:
                long[] numbers = new ReadOnlySpan<long>((void*)value.Bits, value.Count).ToArray();
                NativeMethods.rt_free_memory((void*)value.Bits);
                return numbers;
            default: throw new NotSupportedException($"A scripted method returned {value.Tag}, which is not supported.");
        }
    }

    private static object Tuple<T>(T[] items) => items switch
    {
        [var only] => only!,
        [var a, var b] => (a, b),
        [var a, var b, var c] => (a, b, c),
        [var a, var b, var c, var d] => (a, b, c, d),
        [var a, var b, var c, var d, var e] => (a, b, c, d, e),
        _ => items,
    };

    private static Arg ToArg(object? value, string method) => value switch
    {
        null => Arg.None,
        Tensor tensor => tensor,
        Tensor[] tensors => tensors,
        Scalar scalar => scalar,
        bool flag => flag,
        int number => number,
        long number => number,
        float number => (double)number,
        double number => number,
        long[] numbers => numbers,
        double[] numbers => numbers,
        string text => text,
        Device device => device,
        _ => throw new NotImplementedException($"Passing an argument of type {value.GetType().Name} to TorchScript's {method}."),
    };

    private static List<(string Name, nint Handle)> Visit(ScriptHandle module, bool parameters)
    {
        var found = new List<(string, nint)>();
        GCHandle context = GCHandle.Alloc(found);
        try
        {
            int result = parameters
                ? NativeMethods.rt_script_parameters(module.Value, &Collect, GCHandle.ToIntPtr(context))
                : NativeMethods.rt_script_buffers(module.Value, &Collect, GCHandle.ToIntPtr(context));
            GC.KeepAlive(module);
            _ = NativeMethods.Check(result);
        }
        finally
        {
            context.Free();
        }
        return found;
    }

    [UnmanagedCallersOnly]
    private static void Collect(nint context, byte* name, nint handle) =>
        ((List<(string, nint)>)GCHandle.FromIntPtr(context).Target!).Add((System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)name)!, handle));
}
