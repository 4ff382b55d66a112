using System.Buffers.Binary;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// Decodes what nearly every PNG is: 8 bits a channel, grey, RGB or palette, not interlaced, without a fault. Everything else it leaves
/// to libspng, which says what is wrong, or can do it. It exists because libdeflate inflates in half the time of the zlib under libspng,
/// and inflating is nine tenths of the work. It keeps its buffers from image to image.
/// </summary>
internal sealed class PngDecoder : IDisposable
{
    private const int HeaderBytes = 13;

    private readonly DeflateHandle _inflate = new();
    private byte[] _compressed = [];
    private byte[] _rows = [];
    private byte[] _zeros = [];
    private byte[] _indices = [];

    /// <summary>Decodes a file.</summary>
    /// <param name="file">Its bytes.</param>
    /// <param name="target">Takes the pixels; it has the image's size and channels: one for a palette of greys.</param>
    /// <param name="keepIndices">Whether the pixels of a palette image stay indices.</param>
    /// <returns>Whether it was decoded; if not, <paramref name="target"/> holds nothing of use.</returns>
    public bool TryDecode(ReadOnlySpan<byte> file, ImageBuffer target, bool keepIndices)
    {
        PngChunks chunks = new(file);
        if (!chunks.MoveNext() || !chunks.Type.SequenceEqual("IHDR"u8) || chunks.Data.Length != HeaderBytes)
            return false;
        int color = chunks.Data[9];
        // Depth, compression, filter method and interlacing.
        if (chunks.Data[8] != 8 || color is not (PngHeader.ColorGrey or PngHeader.ColorRgb or PngHeader.ColorPalette) || chunks.Data[10..13].IndexOfAnyExcept((byte)0) >= 0)
            return false;
        if (BinaryPrimitives.ReadInt32BigEndian(chunks.Data) != target.Width || BinaryPrimitives.ReadInt32BigEndian(chunks.Data[4..]) != target.Height)
            return false;
        return TryFindPixels(ref chunks, out ReadOnlySpan<byte> compressed, out ReadOnlySpan<byte> palette)
            && IsRight(color, palette)
            && TryInflate(compressed, target, color == PngHeader.ColorRgb ? 3 : 1)
            && TryUndoFilters(target, color == PngHeader.ColorRgb ? 3 : 1, color == PngHeader.ColorPalette && !keepIndices ? palette : default)
            && (color != PngHeader.ColorPalette || !keepIndices || target.Pixels.IndexOfAnyExceptInRange((byte)0, (byte)((palette.Length / 3) - 1)) < 0);
    }

    /// <inheritdoc/>
    public void Dispose() => _inflate.Dispose();

    private static bool IsRight(int color, ReadOnlySpan<byte> palette) => color switch
    {
        PngHeader.ColorGrey => palette.IsEmpty,
        PngHeader.ColorRgb => true,
        _ => palette.Length is > 0 and <= 768 && palette.Length % 3 == 0,
    };

    /// <summary>Collects the compressed pixels and the palette, and goes through to the file's end.</summary>
    private bool TryFindPixels(ref PngChunks chunks, out ReadOnlySpan<byte> compressed, out ReadOnlySpan<byte> palette)
    {
        compressed = palette = default;
        int length = 0;
        bool isOver = false;
        while (chunks.MoveNext())
        {
            if (chunks.Type.SequenceEqual("IDAT"u8))
            {
                if (isOver)
                    return false;
                if (length == 0)
                {
                    compressed = chunks.Data;
                }
                else
                {
                    Reserve(ref _compressed, length + chunks.Data.Length, length);
                    if (length == compressed.Length)
                        compressed.CopyTo(_compressed);
                    chunks.Data.CopyTo(_compressed.AsSpan(length));
                }

                length += chunks.Data.Length;
                continue;
            }

            isOver |= length > 0;
            if (chunks.Type.SequenceEqual("IEND"u8))
            {
                if (length != compressed.Length)
                    compressed = _compressed.AsSpan(0, length);
                return chunks.Data.IsEmpty && length > 0;
            }

            if (chunks.Type.SequenceEqual("PLTE"u8) && !isOver && palette.IsEmpty)
                palette = chunks.Data;
            else if (chunks.IsCritical)
                return false;
        }

        return false;
    }

    private unsafe bool TryInflate(ReadOnlySpan<byte> compressed, ImageBuffer target, int pixelBytes)
    {
        long needed = (long)target.Height * (1 + ((long)target.Width * pixelBytes));
        if (needed > Array.MaxLength)
            return false;
        Reserve(ref _rows, (int)needed, 0);
        fixed (byte* source = compressed)
        fixed (byte* rows = _rows)
        {
            int result = DeflateNative.DecompressZlib(_inflate, source, (nuint)compressed.Length, rows, (nuint)needed, out _, out nuint written);
            return result == DeflateNative.Success && written == (nuint)needed;
        }
    }

    private unsafe bool TryUndoFilters(ImageBuffer target, int pixelBytes, ReadOnlySpan<byte> palette)
    {
        int stride = target.Width * pixelBytes;
        if (_zeros.Length < stride)
            _zeros = new byte[stride];
        bool expands = !palette.IsEmpty;
        if (expands)
            Reserve(ref _indices, stride * 2, 0);
        fixed (byte* rows = _rows)
        fixed (byte* zeros = _zeros)
        fixed (byte* pixels = expands ? _indices : target.Pixels)
        {
            byte* above = zeros;
            for (int y = 0; y < target.Height; y++)
            {
                byte* source = rows + ((long)y * (stride + 1));
                byte* row = pixels + (expands ? (y & 1) * stride : (long)y * stride);
                if (!PngFilter.Undo(source[0], source + 1, above, row, stride, pixelBytes))
                    return false;
                if (expands && !TryColor(new ReadOnlySpan<byte>(row, stride), palette, target.Row(y), target.Channels))
                    return false;
                above = row;
            }
        }

        return true;
    }

    private static bool TryColor(ReadOnlySpan<byte> indices, ReadOnlySpan<byte> palette, Span<byte> row, int channels)
    {
        for (int x = 0; x < indices.Length; x++)
        {
            int entry = indices[x] * 3;
            if (entry >= palette.Length)
                return false;
            palette.Slice(entry, channels).CopyTo(row[(x * channels)..]);
        }

        return true;
    }

    private static void Reserve(ref byte[] buffer, int length, int kept)
    {
        if (buffer.Length >= length)
            return;
        byte[] larger = GC.AllocateUninitializedArray<byte>((int)Math.Min(Math.Max(length, 2L * buffer.Length), Array.MaxLength));
        buffer.AsSpan(0, Math.Min(kept, buffer.Length)).CopyTo(larger);
        buffer = larger;
    }
}
