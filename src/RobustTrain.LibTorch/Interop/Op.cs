using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace RobustTrain.Native.Interop;

/// <summary>One ATen operator, found on its first call.</summary>
/// <param name="name">As in native_functions.yaml, without "aten::".</param>
/// <param name="overload">The overload's name; empty for the plain one.</param>
internal sealed unsafe class Op(string name, string overload = "")
{
    private const int MaxResults = 8;

    // Lists that are longer than this (in elements, of all arguments together) are marshalled on the heap.
    private const int StackElements = 512;

    private nint _handle;

    private nint Handle
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _handle != 0 ? _handle : Find();
    }

    /// <summary>The operator's schema, as libtorch prints it.</summary>
    internal string Schema
    {
        get
        {
            int length = NativeMethods.Check(NativeMethods.rt_operator_schema(Handle, null, 0));
            var text = new byte[length];
            fixed (byte* buffer = text) _ = NativeMethods.Check(NativeMethods.rt_operator_schema(Handle, buffer, length));
            return Encoding.UTF8.GetString(text);
        }
    }

    private nint Find()
    {
        _ = NativeMethods.Check(NativeMethods.rt_operator_find("aten::" + name, overload, out nint found));
        _handle = found;
        return found;
    }

    /// <summary>Calls an operator of one tensor result.</summary>
    [SkipLocalsInit]
    internal Tensor Call(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        _ = Invoke(args, &result, 1);
        return new Tensor(Expect(result));
    }

    /// <summary>Calls an operator of two tensor results.</summary>
    [SkipLocalsInit]
    internal (Tensor, Tensor) CallPair(params ReadOnlySpan<Arg> args)
    {
        NativeValue* results = stackalloc NativeValue[MaxResults];
        _ = Invoke(args, results, MaxResults);
        return (new Tensor(Expect(results[0])), new Tensor(Expect(results[1])));
    }

    /// <summary>Calls an operator of three tensor results; one that is undefined is null.</summary>
    [SkipLocalsInit]
    internal (Tensor, Tensor?, Tensor?) CallTriple(params ReadOnlySpan<Arg> args)
    {
        NativeValue* results = stackalloc NativeValue[MaxResults];
        _ = Invoke(args, results, MaxResults);
        return (new Tensor(Expect(results[0])), Optional(results[1]), Optional(results[2]));
    }

    /// <summary>Calls an operator whose result is a list of tensors.</summary>
    [SkipLocalsInit]
    internal Tensor[] CallList(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        _ = Invoke(args, &result, 1);
        return TakeTensors(result);
    }

    /// <summary>Calls an operator whose result is a number or a truth value.</summary>
    [SkipLocalsInit]
    internal long CallInt(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        _ = Invoke(args, &result, 1);
        return result.Bits;
    }

    /// <summary>Calls an operator that changes its first argument, and returns that.</summary>
    internal Tensor Apply(params ReadOnlySpan<Arg> args)
    {
        _ = Invoke(args, null, 0);
        return (Tensor)args[0].Object!;
    }

    /// <summary>Calls an operator for what it does; its results are dropped.</summary>
    internal void Run(params ReadOnlySpan<Arg> args) => _ = Invoke(args, null, 0);

    /// <summary>The tensors of a result, which owns them.</summary>
    internal static Tensor[] TakeTensors(in NativeValue value)
    {
        if (value.Tag != NativeTag.TensorList) throw new InvalidOperationException($"expected a list of tensors, but got {value.Tag}");
        var tensors = new Tensor[value.Count];
        nint* handles = (nint*)value.Bits;
        for (int i = 0; i < tensors.Length; i++) tensors[i] = new Tensor(handles[i]);
        NativeMethods.rt_free_memory(handles);
        return tensors;
    }

    private static nint Expect(in NativeValue value) =>
        value.Tag == NativeTag.Tensor && value.Bits != 0 ? (nint)value.Bits : throw new InvalidOperationException($"expected a tensor, but got {value.Tag}");

    private static Tensor? Optional(in NativeValue value) => value.Tag == NativeTag.Tensor && value.Bits != 0 ? new Tensor((nint)value.Bits) : null;

    [SkipLocalsInit]
    private int Invoke(ReadOnlySpan<Arg> args, NativeValue* results, int capacity)
    {
        NativeValue* values = stackalloc NativeValue[args.Length];
        int elements = Elements(args);
        int count;
        if (elements <= StackElements)
        {
            long* scratch = stackalloc long[elements];
            Marshal(args, values, scratch);
            count = NativeMethods.rt_operator_call(Handle, values, args.Length, results, capacity);
        }
        else
        {
            long* scratch = (long*)NativeMemory.Alloc((nuint)elements, sizeof(long));
            try
            {
                Marshal(args, values, scratch);
                count = NativeMethods.rt_operator_call(Handle, values, args.Length, results, capacity);
            }
            finally
            {
                NativeMemory.Free(scratch);
            }
        }
        // A tensor whose last use is this call must not be finalized while the call reads its handle.
        foreach (ref readonly Arg arg in args) GC.KeepAlive(arg.Object);
        if (count < 0) NativeMethods.Throw();
        return count;
    }

    /// <summary>How many 8-byte elements the lists and strings of a call need.</summary>
    internal static int Elements(ReadOnlySpan<Arg> args)
    {
        int elements = 0;
        foreach (ref readonly Arg arg in args)
        {
            if (arg.Tag is NativeTag.IntList or NativeTag.DoubleList or NativeTag.TensorList) elements += arg.Count;
            else if (arg.Tag == NativeTag.String) elements += (Encoding.UTF8.GetMaxByteCount(((string)arg.Object!).Length) + 7) / 8;
        }
        return elements;
    }

    /// <summary>Writes the arguments as the ABI has them; the elements of lists and strings go to <paramref name="scratch"/>.</summary>
    internal static void Marshal(ReadOnlySpan<Arg> args, NativeValue* values, long* scratch)
    {
        for (int i = 0; i < args.Length; i++)
        {
            ref readonly Arg arg = ref args[i];
            values[i].Tag = arg.Tag;
            values[i].Count = arg.Count;
            values[i].Bits = arg.Bits;
            switch (arg.Tag)
            {
                case NativeTag.IntList:
                    ((long[])arg.Object!).CopyTo(new Span<long>(scratch, arg.Count));
                    break;
                case NativeTag.DoubleList:
                    ((double[])arg.Object!).CopyTo(new Span<double>(scratch, arg.Count));
                    break;
                case NativeTag.TensorList:
                    ReadOnlySpan<Tensor?> tensors = arg.Object is List<Tensor> list ? (ReadOnlySpan<Tensor?>)CollectionsMarshal.AsSpan(list)! : (Tensor?[])arg.Object!;
                    for (int k = 0; k < tensors.Length; k++) scratch[k] = tensors[k]?.Handle ?? 0;
                    break;
                case NativeTag.String:
                    var text = (string)arg.Object!;
                    int room = Encoding.UTF8.GetMaxByteCount(text.Length);
                    values[i].Count = Encoding.UTF8.GetBytes(text, new Span<byte>(scratch, room));
                    values[i].Bits = (long)scratch;
                    scratch += (room + 7) / 8;
                    continue;
                default:
                    continue;
            }
            values[i].Bits = (long)scratch;
            scratch += arg.Count;
        }
    }
}
