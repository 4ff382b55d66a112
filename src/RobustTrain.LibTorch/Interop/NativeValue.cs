using System.Runtime.InteropServices;

namespace RobustTrain.Native.Interop;

/// <summary>Mirrors rt_value of native/abi.h; <see cref="Bits"/> is its union.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeValue
{
    public NativeTag Tag;
    public int Count;
    public long Bits;

    public readonly double Real => BitConverter.Int64BitsToDouble(Bits);
}
