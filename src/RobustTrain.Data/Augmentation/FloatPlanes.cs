using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RobustTrain.Data.Augmentation;

/// <summary>Where the kernels for wide vectors put what they have converted: three planes of floats, one after the other.</summary>
internal static unsafe class FloatPlanes
{
    /// <summary>The numbers of a vector.</summary>
    public const int Lanes = 16;

    /// <summary>Whether rows go past the caches, where whole lines are written: nobody here reads them again.</summary>
    public static bool Streams(int width, float* target) => width % Lanes == 0 && (nuint)target % 64 == 0;

    /// <summary>Stores a vector of each plane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> red, Vector512<float> green, Vector512<float> blue, float* target, nint plane, bool streams)
    {
        if (streams)
        {
            red.StoreAlignedNonTemporal(target);
            green.StoreAlignedNonTemporal(target + plane);
            blue.StoreAlignedNonTemporal(target + (2 * plane));
        }
        else
        {
            red.Store(target);
            green.Store(target + plane);
            blue.Store(target + (2 * plane));
        }
    }

    /// <summary>Comes after the last row: streamed lines are seen by others in any order without it.</summary>
    public static void Complete(bool streams)
    {
        if (streams && Sse.IsSupported)
            Sse.StoreFence();
    }
}
