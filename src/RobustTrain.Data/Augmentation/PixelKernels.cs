using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RobustTrain.Data.Augmentation;

/// <summary>The inner loops from interleaved bytes to planes of floats. Vector and scalar paths give the same bits.</summary>
internal static class PixelKernels
{
    /// <summary>Writes value * scale + offset for each channel of a row of interleaved RGB.</summary>
    /// <param name="source">At least 3 bytes for each pixel of the planes.</param>
    /// <param name="red">Takes the red channel.</param>
    /// <param name="green">Takes the green channel.</param>
    /// <param name="blue">Takes the blue channel.</param>
    /// <param name="scale">The three channels' factors, for bytes.</param>
    /// <param name="offset">The three channels' offsets.</param>
    public static void SplitRgb(ReadOnlySpan<byte> source, Span<float> red, Span<float> green, Span<float> blue, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset)
    {
        int pixel = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            // Each shuffle picks one channel of four pixels, a byte into the low end of each 32-bit lane; 0x80 and above gives zero.
            Vector128<byte> pickRed = Vector128.Create((byte)0, 255, 255, 255, 3, 255, 255, 255, 6, 255, 255, 255, 9, 255, 255, 255);
            Vector128<byte> pickGreen = Vector128.Create((byte)1, 255, 255, 255, 4, 255, 255, 255, 7, 255, 255, 255, 10, 255, 255, 255);
            Vector128<byte> pickBlue = Vector128.Create((byte)2, 255, 255, 255, 5, 255, 255, 255, 8, 255, 255, 255, 11, 255, 255, 255);
            ref byte from = ref MemoryMarshal.GetReference(source);
            ref float toRed = ref MemoryMarshal.GetReference(red);
            ref float toGreen = ref MemoryMarshal.GetReference(green);
            ref float toBlue = ref MemoryMarshal.GetReference(blue);
            for (; (pixel * 3) + 16 <= source.Length && pixel + 4 <= red.Length; pixel += 4)
            {
                Vector128<byte> bytes = Vector128.LoadUnsafe(ref from, (nuint)(pixel * 3));
                Scale(bytes, pickRed, scale[0], offset[0]).StoreUnsafe(ref toRed, (nuint)pixel);
                Scale(bytes, pickGreen, scale[1], offset[1]).StoreUnsafe(ref toGreen, (nuint)pixel);
                Scale(bytes, pickBlue, scale[2], offset[2]).StoreUnsafe(ref toBlue, (nuint)pixel);
            }
        }

        for (; pixel < red.Length; pixel++)
        {
            red[pixel] = (source[pixel * 3] * scale[0]) + offset[0];
            green[pixel] = (source[(pixel * 3) + 1] * scale[1]) + offset[1];
            blue[pixel] = (source[(pixel * 3) + 2] * scale[2]) + offset[2];
        }
    }

    private static Vector128<float> Scale(Vector128<byte> bytes, Vector128<byte> pick, float scale, float offset) =>
        (Vector128.ConvertToSingle(Vector128.Shuffle(bytes, pick).AsInt32()) * scale) + Vector128.Create(offset);
}
