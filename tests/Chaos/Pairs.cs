using System.Buffers.Binary;

namespace RobustTrain.Chaos;

/// <summary>A data set of noisy image pairs (data.dataset: change-pairs), in which the second has bright squares that the first lacks.</summary>
internal static class Pairs
{
    private const int HeaderBytes = 54;

    /// <summary>Writes so many training pairs, and an eighth of that for validation and for the test.</summary>
    public static void Write(string folder, int count, int side)
    {
        Write(folder, "train", count, side);
        Write(folder, "val", Math.Max(1, count / 8), side);
        Write(folder, "test", Math.Max(1, count / 8), side);
    }

    private static void Write(string folder, string split, int count, int side)
    {
        for (int index = 0; index < count; index++)
        {
            var random = new Random(HashCode.Combine(split.Length, index));
            byte[] first = Noise(side, random);
            byte[] second = Noise(side, random);
            byte[] label = Bmp(side);
            int size = Math.Max(1, side / 4);
            int left = random.Next(side - size);
            int top = random.Next(side - size);
            Square(second, side, left, top, size, 230);
            Square(label, side, left, top, size, 255);
            string name = $"{split}_{index:D4}.bmp";
            foreach ((string part, byte[] bytes) in (ReadOnlySpan<(string, byte[])>)[("A", first), ("B", second), ("label", label)])
            {
                Directory.CreateDirectory(Path.Combine(folder, part));
                File.WriteAllBytes(Path.Combine(folder, part, name), bytes);
            }
        }
    }

    private static byte[] Noise(int side, Random random)
    {
        byte[] bytes = Bmp(side);
        random.NextBytes(bytes.AsSpan(HeaderBytes));
        return bytes;
    }

    private static void Square(byte[] image, int side, int left, int top, int size, byte grey)
    {
        for (int row = top; row < top + size; row++)
            image.AsSpan(HeaderBytes + (row * Stride(side)) + (left * 3), size * 3).Fill(grey);
    }

    private static int Stride(int side) => ((side * 3) + 3) / 4 * 4;

    // BITMAPINFOHEADER, 24 bits a pixel, rows padded to 4 bytes.
    private static byte[] Bmp(int side)
    {
        byte[] bytes = new byte[HeaderBytes + (Stride(side) * side)];
        "BM"u8.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(2), bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(10), HeaderBytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(18), side);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(22), side);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(28), 24);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(34), Stride(side) * side);
        return bytes;
    }
}
