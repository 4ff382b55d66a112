using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// Decodes the rows of a PNG into the file's own format, samples of 16 bits big-endian (PNG specification, third edition: 5 chunks, 8 interlace,
/// 9 filters, 10 compression). Every chunk's CRC is checked; the compressed stream's Adler sum, which covers the same bytes, is not.
/// It keeps its buffer from image to image.
/// </summary>
internal sealed class PngRows
{
    private const int Slack = 16;

    private byte[] _filtered = [];

    // Adam7: first column and row, and the steps to the next.
    private static ReadOnlySpan<byte> Passes => [0, 0, 8, 8, 4, 0, 8, 8, 0, 4, 4, 8, 2, 0, 4, 4, 0, 2, 2, 4, 1, 0, 2, 2, 0, 1, 1, 2];

    /// <summary>Decodes an image.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="header">What stands before its pixels.</param>
    /// <param name="rows">Takes the rows, of <see cref="PngHeader.Stride"/> bytes each.</param>
    /// <exception cref="InvalidDataException">The file is damaged or truncated; the message says where, as a clause.</exception>
    public void Decode(ReadOnlyMemory<byte> file, in PngHeader header, Span<byte> rows)
    {
        using ChunkStream chunks = new(file);
        (int width, int height) = header.Info.StoredSize;
        int pixelBits = header.PixelBits;
        if (!header.IsInterlaced)
        {
            Inflate(chunks, ((long)header.Stride + 1) * height);
            Unfilter(_filtered, rows, header.Stride, height, Math.Max(1, pixelBits / 8));
            return;
        }

        long length = 0;
        for (int pass = 0; pass < Passes.Length; pass += 4)
        {
            (int passWidth, int passHeight) = SizeOf(pass, width, height);
            length += passWidth == 0 ? 0 : (header.StrideOf(passWidth) + 1L) * passHeight;
        }

        Inflate(chunks, length);
        byte[] image = new byte[height * header.Stride];
        int at = 0;
        rows.Clear();
        for (int pass = 0; pass < Passes.Length; pass += 4)
        {
            (int passWidth, int passHeight) = SizeOf(pass, width, height);
            if (passWidth == 0 || passHeight == 0)
                continue;
            int stride = header.StrideOf(passWidth);
            Unfilter(_filtered.AsSpan(at), image, stride, passHeight, Math.Max(1, pixelBits / 8));
            Spread(image, stride, pass, passWidth, passHeight, pixelBits, rows, header.Stride);
            at += (stride + 1) * passHeight;
        }
    }

    private static (int Width, int Height) SizeOf(int pass, int width, int height) =>
        ((width - Passes[pass] + Passes[pass + 2] - 1) / Passes[pass + 2], (height - Passes[pass + 1] + Passes[pass + 3] - 1) / Passes[pass + 3]);

    private static void Spread(ReadOnlySpan<byte> pass, int stride, int place, int width, int height, int pixelBits, Span<byte> rows, int rowStride)
    {
        for (int y = 0; y < height; y++)
        {
            Span<byte> row = rows.Slice((Passes[place + 1] + (y * Passes[place + 3])) * rowStride, rowStride);
            for (int x = 0; x < width; x++)
            {
                long from = ((long)y * stride * 8) + ((long)x * pixelBits);
                int to = (Passes[place] + (x * Passes[place + 2])) * pixelBits;
                if (pixelBits >= 8)
                {
                    pass.Slice((int)(from / 8), pixelBits / 8).CopyTo(row[(to / 8)..]);
                    continue;
                }

                int value = (pass[(int)(from / 8)] >> (8 - pixelBits - (int)(from % 8))) & ((1 << pixelBits) - 1);
                row[to / 8] |= (byte)(value << (8 - pixelBits - (to % 8)));
            }
        }
    }

    // Compressed streams with more pixels than the image has are left at that, as other readers do.
    private void Inflate(ChunkStream chunks, long length)
    {
        if (length > Array.MaxLength - Slack)
            throw new InvalidDataException($"its pixels take {length} bytes; at most {Array.MaxLength - Slack} can be decoded");
        if (_filtered.Length < length + Slack)
            _filtered = GC.AllocateUninitializedArray<byte>((int)length + Slack);
        chunks.SkipZlibHeader();
        using (DeflateStream pixels = new(chunks, CompressionMode.Decompress, leaveOpen: true))
        {
            int read = pixels.ReadAtLeast(_filtered.AsSpan(0, (int)length), (int)length, throwOnEndOfStream: false);
            if (read < length)
                throw new InvalidDataException($"its pixels end after {read} of {length} bytes");
        }

        chunks.CheckRest();
    }

    private static void Unfilter(ReadOnlySpan<byte> filtered, Span<byte> rows, int stride, int height, int pixelBytes)
    {
        Span<byte> above = default;
        for (int y = 0; y < height; y++)
        {
            byte filter = filtered[y * (stride + 1)];
            ReadOnlySpan<byte> source = filtered.Slice((y * (stride + 1)) + 1, stride);
            Span<byte> row = rows.Slice(y * stride, stride);
            // Above the first row there are zeros: Up is None, Paeth is Sub.
            switch (filter)
            {
                case 0:
                case 2 when y == 0:
                    source.CopyTo(row);
                    break;
                case 1:
                case 4 when y == 0:
                    Sub(source, row, pixelBytes);
                    break;
                case 2:
                    Up(source, above, row);
                    break;
                case 3:
                    Average(source, y == 0 ? new byte[stride] : above, row, pixelBytes);
                    break;
                case 4 when pixelBytes == 3:
                    PaethOfThree(source, above, row);
                    break;
                case 4:
                    Paeth(source, above, row, pixelBytes);
                    break;
                default:
                    throw new InvalidDataException($"row {y} has the filter {filter}, which does not exist");
            }

            above = row;
        }
    }

    private static void Sub(ReadOnlySpan<byte> source, Span<byte> row, int pixelBytes)
    {
        source[..pixelBytes].CopyTo(row);
        for (int i = pixelBytes; i < row.Length; i++)
            row[i] = (byte)(source[i] + row[i - pixelBytes]);
    }

    private static void Up(ReadOnlySpan<byte> source, ReadOnlySpan<byte> above, Span<byte> row)
    {
        int i = 0;
        for (; i <= row.Length - Vector<byte>.Count; i += Vector<byte>.Count)
            (new Vector<byte>(source[i..]) + new Vector<byte>(above[i..])).CopyTo(row[i..]);
        for (; i < row.Length; i++)
            row[i] = (byte)(source[i] + above[i]);
    }

    private static void Average(ReadOnlySpan<byte> source, ReadOnlySpan<byte> above, Span<byte> row, int pixelBytes)
    {
        for (int i = 0; i < pixelBytes; i++)
            row[i] = (byte)(source[i] + (above[i] >> 1));
        for (int i = pixelBytes; i < row.Length; i++)
            row[i] = (byte)(source[i] + ((row[i - pixelBytes] + above[i]) >> 1));
    }

    private static void Paeth(ReadOnlySpan<byte> source, ReadOnlySpan<byte> above, Span<byte> row, int pixelBytes)
    {
        for (int i = 0; i < pixelBytes; i++)
            row[i] = (byte)(source[i] + above[i]);
        for (int i = pixelBytes; i < row.Length; i++)
        {
            (int left, int up, int corner) = (row[i - pixelBytes], above[i], above[i - pixelBytes]);
            (int fromLeft, int fromUp, int fromCorner) = (Math.Abs(up - corner), Math.Abs(left - corner), Math.Abs(left + up - corner - corner));
            row[i] = (byte)(source[i] + (fromLeft <= fromUp && fromLeft <= fromCorner ? left : fromUp <= fromCorner ? up : corner));
        }
    }

    // Most photographs' rows are these, and each pixel waits for the one before it: three channels at once take a third of the time.
    private static void PaethOfThree(ReadOnlySpan<byte> source, ReadOnlySpan<byte> above, Span<byte> row)
    {
        Vector128<short> left = default;
        Vector128<short> corner = default;
        for (int i = 0; i < row.Length; i += 3)
        {
            Vector128<short> up = Three(above, i);
            Vector128<short> fromLeft = up - corner;
            Vector128<short> fromUp = left - corner;
            Vector128<short> fromCorner = Vector128.Abs(fromLeft + fromUp);
            (fromLeft, fromUp) = (Vector128.Abs(fromLeft), Vector128.Abs(fromUp));
            Vector128<short> least = Vector128.Min(fromLeft, Vector128.Min(fromUp, fromCorner));
            Vector128<short> predicted = Vector128.ConditionalSelect(
                Vector128.Equals(fromLeft, least), left, Vector128.ConditionalSelect(Vector128.Equals(fromUp, least), up, corner));
            left = (Three(source, i) + predicted) & Vector128.Create((short)0xFF);
            corner = up;
            row[i] = (byte)left[0];
            row[i + 1] = (byte)left[1];
            row[i + 2] = (byte)left[2];
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<short> Three(ReadOnlySpan<byte> bytes, int at)
        {
            uint pixel = at + 4 <= bytes.Length
                ? Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref MemoryMarshal.GetReference(bytes), at))
                : (uint)(bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16));
            return Vector128.WidenLower(Vector128.CreateScalarUnsafe(pixel).AsByte()).AsInt16();
        }
    }

    /// <summary>The compressed pixels, which stand in chunks one behind the other.</summary>
    private sealed class ChunkStream : Stream
    {
        // Names of chunks as big-endian numbers.
        private const uint Header = 0x49484452;
        private const uint Palette = 0x504C5445;
        private const uint Pixels = 0x49444154;
        private const uint End = 0x49454E44;
        private const uint MayBeUnknown = 0x20000000;

        private readonly ReadOnlyMemory<byte> _file;
        private readonly bool _isAtPixels;
        private ReadOnlyMemory<byte> _pixels;
        private bool _hasPalette;
        private int _next = 8;

        public ChunkStream(ReadOnlyMemory<byte> file)
        {
            _file = file;
            while (NextType() is not (Pixels or End))
                Skip();
            _isAtPixels = true;
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public void SkipZlibHeader()
        {
            Span<byte> header = stackalloc byte[2];
            if (this.ReadAtLeast(header, 2, throwOnEndOfStream: false) < 2)
                throw new InvalidDataException("it has no pixels");
            // RFC 1950: deflate with a window of at most 32 KiB, a sum over both bytes, no dictionary.
            if ((header[0] & 0xF) != 8 || header[0] >> 4 > 7 || BinaryPrimitives.ReadUInt16BigEndian(header) % 31 != 0 || (header[1] & 0x20) != 0)
                throw new InvalidDataException("its pixels are not compressed as PNG has it");
        }

        public override int Read(Span<byte> buffer)
        {
            while (_pixels.IsEmpty)
            {
                if (NextType() != Pixels)
                    return 0;
                _pixels = Take();
            }

            int count = Math.Min(buffer.Length, _pixels.Length);
            _pixels.Span[..count].CopyTo(buffer);
            _pixels = _pixels[count..];
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        /// <summary>Reads what stands behind the pixels that were taken, up to the file's end chunk.</summary>
        public void CheckRest()
        {
            while (NextType() == Pixels)
                Take();
            while (NextType() != End)
                Skip();
            Take();
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        // The name of the chunk that comes next.
        private uint NextType() => _next <= _file.Length - 8
            ? BinaryPrimitives.ReadUInt32BigEndian(_file.Span[(_next + 4)..])
            : throw new InvalidDataException("it ends before its end chunk");

        private ReadOnlyMemory<byte> Take()
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(_file.Span[_next..]);
            if (length > _file.Length - _next - 12)
                throw new InvalidDataException("it ends within a chunk");
            ReadOnlyMemory<byte> data = _file.Slice(_next + 8, (int)length);
            if (Crc32.HashToUInt32(_file.Span.Slice(_next + 4, (int)length + 4)) != BinaryPrimitives.ReadUInt32BigEndian(_file.Span[(_next + 8 + (int)length)..]))
                throw new InvalidDataException($"the CRC of the chunk at byte {_next} is wrong");
            _next += 12 + (int)length;
            return data;
        }

        // Chunks that change nothing here. One that has to be understood, and a header or palette in a wrong place, are damage.
        private void Skip()
        {
            uint type = NextType();
            bool isRight = type switch
            {
                Header => _next == 8,
                Palette => !_hasPalette && !_isAtPixels,
                _ => (type & MayBeUnknown) != 0,
            };
            if (!isRight)
                throw new InvalidDataException($"the chunk at byte {_next} is unknown, or in a wrong place");
            _hasPalette |= type == Palette;
            Take();
        }
    }
}
