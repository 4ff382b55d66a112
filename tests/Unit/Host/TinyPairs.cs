using System.Buffers.Binary;

namespace RobustTrain.Tests.Host;

/// <summary>A data set of small image pairs (change-pairs) in which bright squares are the changes.</summary>
public static class TinyPairs
{
    private static readonly string[] s_splits = ["train", "train", "train", "train", "val", "test"];

    /// <summary>Writes the folders A, B and label.</summary>
    public static void Write(string folder, int side = 32)
    {
        for (int index = 0; index < s_splits.Length; index++)
        {
            string name = $"{s_splits[index]}_{index}.bmp";
            int corner = index * 2;
            Write(folder, "A", name, side, (_, _) => (byte)(40 + index));
            Write(folder, "B", name, side, (row, column) => IsChanged(row, column, corner, side) ? (byte)220 : (byte)(50 + index));
            Write(folder, "label", name, side, (row, column) => IsChanged(row, column, corner, side) ? (byte)255 : (byte)0);
        }
    }

    /// <summary>Writes one image of one colour of grey a pixel.</summary>
    public static void Write(string folder, string part, string name, int side, Func<int, int, byte> grey)
    {
        Directory.CreateDirectory(Path.Combine(folder, part));
        File.WriteAllBytes(Path.Combine(folder, part, name), Bmp(side, grey));
    }

    private static bool IsChanged(int row, int column, int corner, int side) =>
        row >= corner && row < corner + (side / 3) && column >= corner && column < corner + (side / 3);

    // BITMAPINFOHEADER, 24 bits a pixel, rows from the bottom up and padded to 4 bytes.
    private static byte[] Bmp(int side, Func<int, int, byte> grey)
    {
        const int headerBytes = 54;
        int stride = ((side * 3) + 3) / 4 * 4;
        byte[] bytes = new byte[headerBytes + (stride * side)];
        "BM"u8.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(2), bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(10), headerBytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(18), side);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(22), side);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(28), 24);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(34), stride * side);
        for (int row = 0; row < side; row++)
        {
            for (int column = 0; column < side; column++)
                bytes.AsSpan(headerBytes + ((side - 1 - row) * stride) + (column * 3), 3).Fill(grey(row, column));
        }

        return bytes;
    }
}
