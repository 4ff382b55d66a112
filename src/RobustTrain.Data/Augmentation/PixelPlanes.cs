using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Augmentation;

/// <summary>Turns interleaved bytes into planes of numbers.</summary>
internal static class PixelPlanes
{
    /// <summary>Writes value * scale + offset of a window's pixels, turned and flipped.</summary>
    /// <param name="source">The image; grey is repeated where three channels are wanted.</param>
    /// <param name="window">The part of it.</param>
    /// <param name="scale">The factor of each channel, for bytes.</param>
    /// <param name="offset">What is added in each channel.</param>
    /// <param name="target">Takes channels x height x width.</param>
    public static unsafe void Write(ImageBuffer source, PixelWindow window, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, Span<float> target)
    {
        (int width, int height) = (window.OutputWidth, window.OutputHeight);
        (int start, int columnStep, int rowStep) = window.WalkOf(source.Width);
        fixed (byte* pixels = source.Pixels)
        fixed (float* to = target)
        {
            if (source.Channels == 3 && columnStep is 1 or -1)
            {
                int leftmost = columnStep == 1 ? start : start - width + 1;
                SplitRgb(pixels + (leftmost * 3), rowStep * 3, width, height, columnStep == -1, to, scale, offset);
                return;
            }

            for (int channel = 0; channel < scale.Length; channel++)
            {
                byte* first = pixels + (start * source.Channels) + (source.Channels == 3 ? channel : 0);
                WritePlane(first, columnStep * source.Channels, rowStep * source.Channels, width, height, scale[channel], offset[channel], to + ((nint)channel * width * height));
            }
        }
    }

    private static unsafe void WritePlane(byte* first, nint columnStep, nint rowStep, int width, int height, float scale, float offset, float* target)
    {
        for (int y = 0; y < height; y++, first += rowStep)
        {
            byte* from = first;
            for (int x = 0; x < width; x++, from += columnStep)
                *target++ = (*from * scale) + offset;
        }
    }

    // From each 16 bytes the channels of four pixels; the bytes behind the last pixel that it reads are ImageBuffer.Slack.
    private static unsafe void SplitRgb(byte* source, nint rowStep, int width, int height, bool flip, float* target, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset)
    {
        Vector128<byte> pickRed = FirstChannel(flip);
        Vector128<byte> next = Vector128.Create(1).AsByte();
        Vector128<byte> pickGreen = pickRed + next;
        Vector128<byte> pickBlue = pickGreen + next;
        nint plane = (nint)width * height;
        (float red, float green, float blue) = (scale[0], scale[1], scale[2]);
        (float redOffset, float greenOffset, float blueOffset) = (offset[0], offset[1], offset[2]);
        for (int y = 0; y < height; y++, source += rowStep, target += width)
        {
            int x = 0;
            if (Vector128.IsHardwareAccelerated)
            {
                for (; x + 4 <= width; x += 4)
                {
                    Vector128<byte> bytes = *(Vector128<byte>*)(source + (3 * (flip ? width - 4 - x : x)));
                    *(Vector128<float>*)(target + x) = Scale(bytes, pickRed, red, redOffset);
                    *(Vector128<float>*)(target + plane + x) = Scale(bytes, pickGreen, green, greenOffset);
                    *(Vector128<float>*)(target + (2 * plane) + x) = Scale(bytes, pickBlue, blue, blueOffset);
                }
            }

            for (; x < width; x++)
            {
                byte* pixel = source + (3 * (flip ? width - 1 - x : x));
                target[x] = (pixel[0] * red) + redOffset;
                target[plane + x] = (pixel[1] * green) + greenOffset;
                target[(2 * plane) + x] = (pixel[2] * blue) + blueOffset;
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
