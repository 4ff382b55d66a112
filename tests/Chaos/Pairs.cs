using RobustTrain.Data.Imaging;

namespace RobustTrain.Chaos;

/// <summary>A dataset of noisy image pairs (data.dataset: change-pairs), in which the second has bright squares that the first lacks.</summary>
internal static class Pairs
{
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
            ImageBuffer first = Noise(side, random);
            ImageBuffer second = Noise(side, random);
            ImageBuffer label = Black(side);
            int size = Math.Max(1, side / 4);
            int left = random.Next(side - size);
            int top = random.Next(side - size);
            Square(second, left, top, size, 230);
            Square(label, left, top, size, 255);
            string name = $"{split}_{index:D4}.bmp";
            foreach ((string part, ImageBuffer image) in (ReadOnlySpan<(string, ImageBuffer)>)[("A", first), ("B", second), ("label", label)])
            {
                Directory.CreateDirectory(Path.Combine(folder, part));
                File.WriteAllBytes(Path.Combine(folder, part, name), BmpEncoder.Encode(image));
            }
        }
    }

    private static ImageBuffer Noise(int side, Random random)
    {
        ImageBuffer image = Black(side);
        random.NextBytes(image.Pixels);
        return image;
    }

    private static ImageBuffer Black(int side)
    {
        ImageBuffer image = new();
        image.SetSize(side, side, channels: 3);
        image.Pixels.Clear();
        return image;
    }

    private static void Square(ImageBuffer image, int left, int top, int size, byte grey)
    {
        for (int row = top; row < top + size; row++)
            image.Row(row).Slice(left * 3, size * 3).Fill(grey);
    }
}
