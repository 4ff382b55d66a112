using RobustTrain.Data.Imaging;

namespace RobustTrain.Tests.Host;

/// <summary>A dataset of small image pairs (change-pairs) in which bright squares are the changes.</summary>
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

    private static byte[] Bmp(int side, Func<int, int, byte> grey)
    {
        ImageBuffer image = new();
        image.SetSize(side, side, channels: 1);
        for (int row = 0; row < side; row++)
        {
            for (int column = 0; column < side; column++)
                image.Row(row)[column] = grey(row, column);
        }

        return BmpEncoder.Encode(image);
    }
}
