using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RobustTrain.Data.Augmentation;

/// <summary>The inner loop from interleaved bytes to planes of floats. All paths give the same bits.</summary>
internal static unsafe class PixelKernels
{
    private static volatile bool _isWide;

    /// <summary>Compiles for the widest vectors, and goes over to them, where the processor has them.</summary>
    public static void Widen()
    {
        if (!Avx512BW.IsSupported)
            return;
        float[] nothing = new float[3];
        SplitWide(null, 0, FloatPlanes.Lanes, 0, false, null, nothing, nothing);
        _isWide = true;
    }

    /// <summary>Writes value * scale + offset for each channel of interleaved RGB.</summary>
    /// <param name="source">The first row's leftmost pixel; <see cref="Imaging.ImageBuffer.Slack"/> bytes behind the last one may be read.</param>
    /// <param name="rowStep">The bytes from one row to the next.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="flip">Whether left and right change sides.</param>
    /// <param name="target">Takes the planes of the three channels, one after the other.</param>
    /// <param name="scale">The three channels' factors, for bytes.</param>
    /// <param name="offset">The three channels' offsets.</param>
    public static void SplitRgb(byte* source, nint rowStep, int width, int height, bool flip, float* target, float[] scale, float[] offset)
    {
        if (_isWide && width >= FloatPlanes.Lanes)
        {
            SplitWide(source, rowStep, width, height, flip, target, scale, offset);
            return;
        }

        WideKernels.Count();
        SplitNarrow(source, rowStep, width, height, flip, target, scale, offset);
    }

    /// <summary>The same, where there are vectors of sixteen numbers.</summary>
    /// <inheritdoc cref="SplitRgb"/>
    // Ahead-of-time compilation knows no such vectors; so it is compiled at its first call, for good.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void SplitWide(byte* source, nint rowStep, int width, int height, bool flip, float* target, float[] scale, float[] offset)
    {
        Vector128<byte> pick = FirstChannel(flip);
        Vector512<byte> next = Vector512.Create(1).AsByte();
        Vector512<byte> pickRed = Vector512.Create(Vector256.Create(pick, pick), Vector256.Create(pick, pick));
        Vector512<byte> pickGreen = pickRed + next;
        Vector512<byte> pickBlue = pickGreen + next;
        Vector512<float> scaleRed = Vector512.Create(scale[0]), scaleGreen = Vector512.Create(scale[1]), scaleBlue = Vector512.Create(scale[2]);
        Vector512<float> offsetRed = Vector512.Create(offset[0]), offsetGreen = Vector512.Create(offset[1]), offsetBlue = Vector512.Create(offset[2]);
        nint plane = (nint)width * height;
        // Four pixels to each quarter of a vector; in a flipped row the quarters change places too.
        nint quarter = flip ? -12 : 12;
        bool streams = FloatPlanes.Streams(width, target);
        for (int y = 0; y < height; y++, source += rowStep, target += width)
        {
            for (int block = 0; block < width; block += FloatPlanes.Lanes)
            {
                // The last block of a row may overlap the one before it.
                int x = Math.Min(block, width - FloatPlanes.Lanes);
                byte* from = source + (3 * (flip ? width - 4 - x : x));
                Vector512<byte> bytes = Vector512.Create(
                    Vector256.Create(Vector128.Load(from), Vector128.Load(from + quarter)),
                    Vector256.Create(Vector128.Load(from + (2 * quarter)), Vector128.Load(from + (3 * quarter))));
                Vector512<float> red = (Vector512.ConvertToSingle(Avx512BW.Shuffle(bytes, pickRed).AsInt32()) * scaleRed) + offsetRed;
                Vector512<float> green = (Vector512.ConvertToSingle(Avx512BW.Shuffle(bytes, pickGreen).AsInt32()) * scaleGreen) + offsetGreen;
                Vector512<float> blue = (Vector512.ConvertToSingle(Avx512BW.Shuffle(bytes, pickBlue).AsInt32()) * scaleBlue) + offsetBlue;
                FloatPlanes.Store(red, green, blue, target + x, plane, streams);
            }
        }

        FloatPlanes.Complete(streams);
    }

    /// <summary>The same, where there are no vectors of sixteen numbers.</summary>
    /// <inheritdoc cref="SplitRgb"/>
    internal static void SplitNarrow(byte* source, nint rowStep, int width, int height, bool flip, float* target, float[] scale, float[] offset)
    {
        Vector128<byte> pickRed = FirstChannel(flip);
        Vector128<byte> next = Vector128.Create(1).AsByte();
        Vector128<byte> pickGreen = pickRed + next;
        Vector128<byte> pickBlue = pickGreen + next;
        nint plane = (nint)width * height;
        for (int y = 0; y < height; y++, source += rowStep, target += width)
        {
            int x = 0;
            if (Vector128.IsHardwareAccelerated)
            {
                for (; x + 4 <= width; x += 4)
                {
                    Vector128<byte> bytes = *(Vector128<byte>*)(source + (3 * (flip ? width - 4 - x : x)));
                    *(Vector128<float>*)(target + x) = Scale(bytes, pickRed, scale[0], offset[0]);
                    *(Vector128<float>*)(target + plane + x) = Scale(bytes, pickGreen, scale[1], offset[1]);
                    *(Vector128<float>*)(target + (2 * plane) + x) = Scale(bytes, pickBlue, scale[2], offset[2]);
                }
            }

            for (; x < width; x++)
            {
                byte* pixel = source + (3 * (flip ? width - 1 - x : x));
                target[x] = (pixel[0] * scale[0]) + offset[0];
                target[plane + x] = (pixel[1] * scale[1]) + offset[1];
                target[(2 * plane) + x] = (pixel[2] * scale[2]) + offset[2];
            }
        }
    }

    // A shuffle picks one channel of four pixels, a byte into the low end of each 32-bit lane; 0x80 and above gives zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> FirstChannel(bool flip) => flip
        ? Vector128.Create((byte)9, 255, 255, 255, 6, 255, 255, 255, 3, 255, 255, 255, 0, 255, 255, 255)
        : Vector128.Create((byte)0, 255, 255, 255, 3, 255, 255, 255, 6, 255, 255, 255, 9, 255, 255, 255);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Scale(Vector128<byte> bytes, Vector128<byte> pick, float scale, float offset) =>
        (Vector128.ConvertToSingle(Vector128.Shuffle(bytes, pick).AsInt32()) * scale) + Vector128.Create(offset);
}
