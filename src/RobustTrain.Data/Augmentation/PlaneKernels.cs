using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Augmentation;

/// <summary>
/// From a JPEG's planes to planes of floats in one go: the colours' samples become as many as the pixels, then red, green and blue, then floats.
/// Interpolation and colours are libjpeg's own arithmetic (jdsample.c, jdcolor.c), so that the bits are those of its whole decoding.
/// </summary>
internal static unsafe class PlaneKernels
{
    private const int Lanes = FloatPlanes.Lanes;

    // A row's columns are taken so many at a time, so that what is kept of them stays small.
    private const int StripColumns = 512;
    private const int Half = 1 << 15;

    // Of 2^16: 1.402, 0.71414, 0.34414 and 1.772 (ITU-T T.871).
    private const int RedOfRed = 91881;
    private const int GreenOfRed = -46802;
    private const int GreenOfBlue = -22554;
    private const int BlueOfBlue = 116130;

    /// <summary>Whether this processor gains from it, with vectors of 512 bits or two of 256: without, libjpeg-turbo's own conversion is quicker.</summary>
    public static bool IsWorthwhile => Vector256.IsHardwareAccelerated;

    /// <summary>Compiles what ahead-of-time compilation leaves out, before the first image waits for it.</summary>
    public static void Compile()
    {
        const int noColumns = -2;
        Spread(null, null, noColumns, 0, 0, 0, null, null);
        ConvertRow(null, null, null, 0, false, null, 0, null, null, false);
    }

    /// <summary>Writes value * scale + offset for each channel of a window of an image in planes.</summary>
    /// <param name="source">The image.</param>
    /// <param name="x">The window's first column.</param>
    /// <param name="y">The row of the image that is written first.</param>
    /// <param name="rowStep">1, or -1 from the bottom to the top.</param>
    /// <param name="width">Pixels in a row of the window.</param>
    /// <param name="height">Rows of the window.</param>
    /// <param name="flip">Whether left and right change sides.</param>
    /// <param name="target">Takes the planes of the three channels, one after the other.</param>
    /// <param name="scale">The three channels' factors, for bytes.</param>
    /// <param name="offset">The three channels' offsets.</param>
    public static void WriteRgb(ImageBuffer source, int x, int y, int rowStep, int width, int height, bool flip, float* target, float[] scale, float[] offset)
    {
        nint plane = (nint)width * height;
        bool streams = FloatPlanes.Streams(width, target);
        byte* spread = stackalloc byte[2 * (StripColumns + (4 * Lanes))];
        ushort* sums = stackalloc ushort[(StripColumns / 2) + (4 * Lanes)];
        fixed (byte* first = &source.FirstPlane)
        fixed (float* scales = scale, offsets = offset)
        {
            for (int strip = 0; strip < width; strip += StripColumns)
            {
                int columns = Math.Min(StripColumns, width - strip);
                int left = x + strip;
                float* to = target + (flip ? width - strip - columns : strip);
                for (int row = 0, from = y; row < height; row++, from += rowStep, to += width)
                {
                    (nint blue, nint red) = ChromaOf(source, first, left, from, columns, spread, sums);
                    byte* luma = first + ((nint)from * source.LumaStride) + left;
                    ConvertRow(luma, (byte*)blue, (byte*)red, columns, flip, to, plane, scales, offsets, streams);
                }
            }
        }

        FloatPlanes.Complete(streams);
    }

    /// <summary>The chroma of a strip of a row, a sample for each pixel: the planes themselves, or what was spread.</summary>
    private static (nint Blue, nint Red) ChromaOf(ImageBuffer source, byte* first, int left, int row, int columns, byte* spread, ushort* sums)
    {
        nint stride = source.ChromaWidth;
        byte* blue = first + source.ChromaStart;
        byte* red = blue + (stride * source.ChromaHeight);
        if (source.Chroma == ChromaSampling.Full)
            return ((nint)(blue + (row * stride) + left), (nint)(red + (row * stride) + left));

        // Three parts of the nearer row and one of the farther, of the image alone: its outer rows and columns stand for what is beyond.
        int near = row, far = row;
        if (source.Chroma == ChromaSampling.Quarter)
        {
            near = row >> 1;
            far = Math.Clamp((row & 1) == 0 ? near - 1 : near + 1, 0, source.ChromaHeight - 1);
        }

        int column = left >> 1;
        int count = ((left + columns - 1) >> 1) - column + 1;
        int edges = (column == 0 ? 1 : 0) | (column + count == source.ChromaWidth ? 2 : 0);
        // libjpeg rounds in turns up and down.
        (int even, int odd) = source.Chroma == ChromaSampling.Quarter ? (8, 7) : (4, 8);
        byte* other = spread + StripColumns + (4 * Lanes);
        Spread(blue + (near * stride) + column, blue + (far * stride) + column, count, edges, even, odd, spread, sums);
        Spread(red + (near * stride) + column, red + (far * stride) + column, count, edges, even, odd, other, sums);
        return ((nint)(spread + (left & 1)), (nint)(other + (left & 1)));
    }

    // Ahead-of-time compilation knows no such vectors; so these are compiled at once, for good.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Spread(byte* near, byte* far, int count, int edges, int even, int odd, byte* target, ushort* sums)
    {
        // From the column before to the column behind; what is read beyond the image is overwritten.
        for (int place = 0; place < count + 2; place += 2 * Lanes)
        {
            Vector512<ushort> nearer = Widen(Vector256.Load(near - 1 + place));
            (nearer + nearer + nearer + Widen(Vector256.Load(far - 1 + place))).Store(sums + place);
        }

        if ((edges & 1) != 0)
            sums[0] = sums[1];
        if ((edges & 2) != 0)
            sums[count + 1] = sums[count];
        Vector512<uint> evenBias = Vector512.Create((uint)even), oddBias = Vector512.Create((uint)odd);
        for (int place = 0; place < count; place += Lanes)
        {
            Vector512<uint> here = Widen(Vector256.Load(sums + 1 + place));
            Vector512<uint> thrice = here + here + here;
            Vector512<uint> left = (thrice + Widen(Vector256.Load(sums + place)) + evenBias) >>> 4;
            Vector512<uint> right = (thrice + Widen(Vector256.Load(sums + 2 + place)) + oddBias) >>> 4;
            Narrow((left | (right << 16)).AsUInt16()).Store(target + (2 * place));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ConvertRow(byte* luma, byte* blue, byte* red, int width, bool flip, float* target, nint plane, float* scale, float* offset, bool streams)
    {
        if (width < Lanes)
        {
            ConvertNarrow(luma, blue, red, width, flip, target, plane, scale, offset);
            return;
        }

        Vector512<int> zero = Vector512<int>.Zero, most = Vector512.Create(255);
        Vector128<byte> backwards = Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
        for (int block = 0; block < width; block += Lanes)
        {
            // The last block of a row may overlap the one before it.
            int x = Math.Min(block, width - Lanes);
            int from = flip ? width - Lanes - x : x;
            Vector128<byte> lumas = Vector128.Load(luma + from), blues = Vector128.Load(blue + from), reds = Vector128.Load(red + from);
            if (flip)
                (lumas, blues, reds) = (Vector128.Shuffle(lumas, backwards), Vector128.Shuffle(blues, backwards), Vector128.Shuffle(reds, backwards));
            Vector512<int> light = Widen(lumas), cb = Widen(blues), cr = Widen(reds);
            Vector512<int> r = light + (((cr * RedOfRed) + Vector512.Create(Half - (128 * RedOfRed))) >> 16);
            Vector512<int> g = light + (((cb * GreenOfBlue) + (cr * GreenOfRed) + Vector512.Create(Half - (128 * (GreenOfBlue + GreenOfRed)))) >> 16);
            Vector512<int> b = light + (((cb * BlueOfBlue) + Vector512.Create(Half - (128 * BlueOfBlue))) >> 16);
            Vector512<float> reddish = (Vector512.ConvertToSingle(Vector512.Min(Vector512.Max(r, zero), most)) * Vector512.Create(scale[0])) + Vector512.Create(offset[0]);
            Vector512<float> greenish = (Vector512.ConvertToSingle(Vector512.Min(Vector512.Max(g, zero), most)) * Vector512.Create(scale[1])) + Vector512.Create(offset[1]);
            Vector512<float> blueish = (Vector512.ConvertToSingle(Vector512.Min(Vector512.Max(b, zero), most)) * Vector512.Create(scale[2])) + Vector512.Create(offset[2]);
            FloatPlanes.Store(reddish, greenish, blueish, target + x, plane, streams);
        }
    }

    private static void ConvertNarrow(byte* luma, byte* blue, byte* red, int width, bool flip, float* target, nint plane, float* scale, float* offset)
    {
        for (int x = 0; x < width; x++)
        {
            int from = flip ? width - 1 - x : x;
            int light = luma[from], cb = blue[from] - 128, cr = red[from] - 128;
            target[x] = (Math.Clamp(light + (((cr * RedOfRed) + Half) >> 16), 0, 255) * scale[0]) + offset[0];
            target[plane + x] = (Math.Clamp(light + (((cb * GreenOfBlue) + (cr * GreenOfRed) + Half) >> 16), 0, 255) * scale[1]) + offset[1];
            target[(2 * plane) + x] = (Math.Clamp(light + (((cb * BlueOfBlue) + Half) >> 16), 0, 255) * scale[2]) + offset[2];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Widen(Vector128<byte> bytes)
    {
        if (Avx512F.IsSupported)
            return Avx512F.ConvertToVector512Int32(bytes);
        Vector256<ushort> pairs = Vector256.WidenLower(bytes.ToVector256Unsafe());
        return Vector512.WidenLower(pairs.ToVector512Unsafe()).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Widen(Vector256<byte> bytes) => Vector512.WidenLower(bytes.ToVector512Unsafe());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Widen(Vector256<ushort> numbers) => Vector512.WidenLower(numbers.ToVector512Unsafe());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Narrow(Vector512<ushort> numbers) =>
        Avx512BW.IsSupported ? Avx512BW.ConvertToVector256Byte(numbers) : Vector256.Narrow(numbers.GetLower(), numbers.GetUpper());
}
