using System.Buffers.Binary;
using System.IO.Compression;
using RobustTrain.SampleData;

namespace RobustTrain.Tests.Data;

/// <summary>PNG files made for a test, chunk by chunk, with any filter in any row.</summary>
internal static class TestPng
{
    public const int Grey = 0;
    public const int Rgb = 2;
    public const int Palette = 3;
    public const int RgbAlpha = 6;

    // The picture of PNG specification 8.2: each pixel's pass within a square of eight.
    private static readonly string[] PassOf = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"];

    /// <summary>A file of 8 bits a channel.</summary>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="color">The colour type.</param>
    /// <param name="pixels">The bytes of the pixels, row by row.</param>
    /// <param name="filterOf">The filter of each row.</param>
    /// <param name="chunkBytes">The bytes of compressed pixels in a chunk.</param>
    /// <param name="palette">The palette's colours.</param>
    public static byte[] Of(int width, int height, int color, byte[] pixels, Func<int, int> filterOf, int chunkBytes = int.MaxValue, byte[]? palette = null)
    {
        MemoryStream file = new();
        file.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        file.Write(Header(width, height, color));
        if (palette is not null)
            file.Write(Chunk("PLTE", palette));
        byte[] compressed = Compress(Filtered(pixels, width * (color == Rgb ? 3 : 1), color == Rgb ? 3 : 1, filterOf));
        foreach (byte[] part in compressed.Chunk(Math.Min(chunkBytes, compressed.Length)))
            file.Write(Chunk("IDAT", part));
        file.Write(Chunk("IEND", []));
        return file.ToArray();
    }

    /// <summary>A file of any kind.</summary>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="color">The colour type.</param>
    /// <param name="depth">Bits of a channel.</param>
    /// <param name="rows">The bytes of the rows, one after the other.</param>
    /// <param name="before">Chunks before the pixels.</param>
    /// <param name="behind">Chunks behind them.</param>
    public static byte[] OfKind(int width, int height, int color, int depth, byte[] rows, byte[][]? before = null, byte[][]? behind = null) =>
    [
        0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A,
        .. Header(width, height, color, depth),
        .. (before ?? []).SelectMany(chunk => chunk),
        .. Chunk("IDAT", Compress([.. rows.Chunk(rows.Length / height).SelectMany(row => (byte[])[0, .. row])])),
        .. (behind ?? []).SelectMany(chunk => chunk),
        .. Chunk("IEND", []),
    ];

    public static int SamplesOf(int color) => color switch { Rgb => 3, RgbAlpha => 4, _ => 1 };

    /// <summary>A file whose rows come in Adam7's passes, each row with a filter by chance.</summary>
    public static byte[] Interlaced(int width, int height, int color, int depth, byte[] rows, Random random)
    {
        int bits = SamplesOf(color) * depth;
        int stride = rows.Length / height;
        List<byte> data = [];
        for (char pass = '1'; pass <= '7'; pass++)
        {
            // A pass is the pixels of it in each row that has any.
            List<byte> pixels = [];
            int passStride = 0;
            for (int y = 0; y < height; y++)
            {
                List<int> columns = [.. Enumerable.Range(0, width).Where(x => PassOf[y % 8][x % 8] == pass)];
                if (columns.Count == 0)
                    continue;
                byte[] row = new byte[passStride = ((columns.Count * bits) + 7) / 8];
                for (int place = 0; place < columns.Count * bits; place++)
                {
                    int from = (columns[place / bits] * bits) + (place % bits);
                    if ((rows[(y * stride) + (from / 8)] >> (7 - (from % 8)) & 1) != 0)
                        row[place / 8] |= (byte)(1 << (7 - (place % 8)));
                }

                pixels.AddRange(row);
            }

            if (passStride > 0)
                data.AddRange(Filtered([.. pixels], passStride, Math.Max(1, bits / 8), _ => random.Next(5)));
        }

        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, .. Header(width, height, color, depth, interlace: 1), .. Chunk("IDAT", Compress([.. data])), .. Chunk("IEND", [])];
    }

    /// <summary>A chunk that says how the image is to be turned.</summary>
    public static byte[] Orientation(int orientation) => Chunk("eXIf", Exif(orientation));

    /// <summary>A block of EXIF with an orientation behind another entry.</summary>
    public static byte[] Exif(int orientation, bool isLittle = false) => isLittle
        ? [.. "II*\0"u8, 8, 0, 0, 0, 2, 0, 0, 1, 3, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0]
        : [.. "MM\0*"u8, 0, 0, 0, 8, 0, 2, 1, 0, 0, 3, 0, 0, 0, 1, 0, 9, 0, 0, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0];

    public static byte[] Header(int width, int height, int color, int depth = 8, int interlace = 0)
    {
        byte[] data = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(data, width);
        BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(4), height);
        (data[8], data[9], data[12]) = ((byte)depth, (byte)color, (byte)interlace);
        return Chunk("IHDR", data);
    }

    public static byte[] Chunk(string type, byte[] data)
    {
        byte[] chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        System.Text.Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        data.CopyTo(chunk, 8);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), Crc32(chunk.AsSpan(4, 4 + data.Length)));
        return chunk;
    }

    public static byte[] Compress(byte[] bytes)
    {
        using MemoryStream compressed = new();
        using (ZLibStream stream = new(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
            stream.Write(bytes);
        return compressed.ToArray();
    }

    /// <summary>The rows with their filters' numbers before them, straight from the specification.</summary>
    private static byte[] Filtered(byte[] pixels, int stride, int pixelBytes, Func<int, int> filterOf)
    {
        int height = pixels.Length / stride;
        byte[] rows = new byte[height * (stride + 1)];
        for (int y = 0; y < height; y++)
        {
            int filter = filterOf(y);
            rows[y * (stride + 1)] = (byte)filter;
            for (int x = 0; x < stride; x++)
            {
                int left = x >= pixelBytes ? pixels[(y * stride) + x - pixelBytes] : 0;
                int up = y > 0 ? pixels[((y - 1) * stride) + x] : 0;
                int corner = x >= pixelBytes && y > 0 ? pixels[((y - 1) * stride) + x - pixelBytes] : 0;
                int foretold = filter switch { 0 => 0, 1 => left, 2 => up, 3 => (left + up) / 2, _ => Paeth(left, up, corner) };
                rows[(y * (stride + 1)) + 1 + x] = (byte)(pixels[(y * stride) + x] - foretold);
            }
        }

        return rows;
    }

    private static int Paeth(int left, int up, int corner)
    {
        int estimate = left + up - corner;
        return new[] { left, up, corner }.MinBy(value => Math.Abs(estimate - value));
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
        }

        return ~crc;
    }
}
