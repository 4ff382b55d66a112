using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// Writes a PNG of 8 bits a channel row by row, so that no image has to be in memory whole. Grey and palette rows are stored as they are,
/// those of RGB as differences to the pixel on the left, which a photograph compresses better by.
/// </summary>
public sealed class PngWriter : IDisposable
{
    private const int RgbBytes = 3;

    private readonly Stream _target;
    private readonly ChunkedStream _chunks;
    private readonly ZLibStream _compressed;
    private readonly PngColor _color;
    private readonly byte[] _row;
    private int _rowsLeft;

    /// <summary>Writes what stands before the pixels.</summary>
    /// <param name="target">Where to; it is not closed.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="color">What a pixel is.</param>
    /// <param name="palette">Red, green and blue of each index; only for <see cref="PngColor.Palette"/>.</param>
    public PngWriter(Stream target, int width, int height, PngColor color, ReadOnlySpan<byte> palette = default)
    {
        _target = target;
        _color = color;
        _rowsLeft = height;
        _row = new byte[1 + (width * (color == PngColor.Rgb ? RgbBytes : 1))];
        target.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        Span<byte> header = stackalloc byte[13];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8;
        header[9] = (byte)color;
        PngChunk.Write(target, "IHDR"u8, header);
        if (color == PngColor.Palette)
            PngChunk.Write(target, "PLTE"u8, palette);
        _chunks = new ChunkedStream(target);
        _compressed = new ZLibStream(_chunks, CompressionLevel.Optimal, leaveOpen: true);
    }

    /// <summary>Writes the next row, channels interleaved.</summary>
    public void WriteRow(ReadOnlySpan<byte> pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(pixels.Length, _row.Length - 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(_rowsLeft, 1);
        Span<byte> row = _row;
        row[0] = _color == PngColor.Rgb ? (byte)1 : (byte)0;
        pixels.CopyTo(row[1..]);
        if (_color == PngColor.Rgb)
        {
            for (int at = row.Length - 1; at > RgbBytes; at--)
                row[at] -= row[at - RgbBytes];
        }

        _compressed.Write(row);
        if (--_rowsLeft > 0)
            return;
        _compressed.Dispose();
        _chunks.Flush();
        PngChunk.Write(_target, "IEND"u8, []);
    }

    /// <summary>Writes a whole image, grey or RGB.</summary>
    public static void Write(Stream target, ImageBuffer image)
    {
        using PngWriter writer = new(target, image.Width, image.Height, image.Channels == 1 ? PngColor.Grey : PngColor.Rgb);
        for (int y = 0; y < image.Height; y++)
            writer.WriteRow(image.Row(y));
    }

    /// <summary>Lets go of the compressor; a file whose rows have not all been written is no PNG.</summary>
    public void Dispose() => _compressed.Dispose();

    /// <summary>Puts a stream of compressed bytes into chunks.</summary>
    private sealed class ChunkedStream(Stream target) : Stream
    {
        private readonly byte[] _waiting = new byte[1 << 16];
        private int _count;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush()
        {
            if (_count > 0)
                PngChunk.Write(target, "IDAT"u8, _waiting.AsSpan(0, _count));
            _count = 0;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (!buffer.IsEmpty)
            {
                int part = Math.Min(buffer.Length, _waiting.Length - _count);
                buffer[..part].CopyTo(_waiting.AsSpan(_count));
                _count += part;
                buffer = buffer[part..];
                if (_count == _waiting.Length)
                    Flush();
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

/// <summary>What a pixel of a PNG is, by the format's own numbers.</summary>
public enum PngColor
{
    /// <summary>A grey.</summary>
    Grey = 0,

    /// <summary>Red, green, blue.</summary>
    Rgb = 2,

    /// <summary>An index into a palette.</summary>
    Palette = 3,
}

/// <summary>A chunk of a PNG: length, type, data, checksum.</summary>
internal static class PngChunk
{
    /// <summary>Writes a chunk.</summary>
    public static void Write(Stream target, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        target.Write(number);
        target.Write(type);
        target.Write(data);
        Crc32 sum = new();
        sum.Append(type);
        sum.Append(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, sum.GetCurrentHashAsUInt32());
        target.Write(number);
    }
}
