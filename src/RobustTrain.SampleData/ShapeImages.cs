using RobustTrain.Data;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.SampleData;

/// <summary>
/// Small images of shapes and textures, a folder for each (data.dataset: image-folders), at any place, size, angle and colour, before grounds as
/// different, with noise.
/// </summary>
internal static class ShapeImages
{
    private const uint ShapePurpose = 7;
    private const int Side = 48;

    // Points of a pixel that are looked at along each side, so that edges are smooth.
    private const int Points = 2;

    private static readonly (string Name, Func<float, float, bool> Covers)[] s_shapes =
    [
        ("checks", (x, y) => InSquare(x, y) && ((int)MathF.Floor(x * 3) + (int)MathF.Floor(y * 3)) % 2 == 0),
        ("cross", (x, y) => InSquare(x, y) && MathF.Min(MathF.Abs(x), MathF.Abs(y)) < 0.28f),
        ("disc", (x, y) => (x * x) + (y * y) < 0.8f),
        ("ring", (x, y) => (x * x) + (y * y) is > 0.4f and < 0.9f),
        ("square", InSquare),
        ("stripes", (x, y) => InSquare(x, y) && (int)MathF.Floor((x + 1) * 4) % 2 == 0),
        ("triangle", (x, y) => y < 0.65f && y > (1.9f * MathF.Abs(x)) - 1),
    ];

    private static readonly (string Name, int Images)[] s_splits = [("train", 120), ("val", 24), ("test", 24)];

    /// <summary>The classes of each split.</summary>
    public static IEnumerable<SampleDataPart> Of(SampleDatasetOptions options)
    {
        int first = 0;
        foreach ((string split, int images) in s_splits)
        {
            foreach ((string name, Func<float, float, bool> covers) in s_shapes)
            {
                int begin = first;
                yield return new SampleDataPart($"{split}/{name}", folder => Write(Path.Combine(folder, split, name), covers, images, index => new SampleKey(options.Seed, 0, begin + index)));
                first += images;
            }
        }
    }

    private static bool InSquare(float x, float y) => MathF.Max(MathF.Abs(x), MathF.Abs(y)) < 0.8f;

    private static void Write(string folder, Func<float, float, bool> covers, int images, Func<int, SampleKey> keyOf)
    {
        Directory.CreateDirectory(folder);
        for (int index = 0; index < images; index++)
        {
            using FileStream file = File.Create(Path.Combine(folder, $"{index + 1:000}.png"));
            PngWriter.Write(file, Paint(covers, keyOf(index)));
        }
    }

    private static ImageBuffer Paint(Func<float, float, bool> covers, SampleKey key)
    {
        SampleRandom random = new(key, ShapePurpose);
        Rgb ground = DrawColor(ref random);
        Rgb shape = DrawColor(ref random);
        while (DistanceOf(ground, shape) < 90)
            shape = DrawColor(ref random);
        NoiseTexture noise = new(ref random);
        float radius = (float)random.NextDouble(0.24, 0.46) * Side;
        float room = (Side / 2f) - (0.8f * radius);
        (float centreX, float centreY) = ((Side / 2f) + ((float)random.NextDouble(-1, 1) * room), (Side / 2f) + ((float)random.NextDouble(-1, 1) * room));
        (float sin, float cos) = MathF.SinCos((float)random.NextDouble(0, 2 * Math.PI));
        float patches = (float)random.NextDouble(0.05, 0.3);
        float grain = (float)random.NextDouble(3, 12);
        ImageBuffer image = new();
        image.SetSize(Side, Side, 3);
        for (int y = 0; y < Side; y++)
        {
            for (int x = 0; x < Side; x++)
            {
                int covered = 0;
                for (int point = 0; point < Points * Points; point++)
                {
                    float dx = x + (((point % Points) + 0.5f) / Points) - centreX;
                    float dy = y + (((point / Points) + 0.5f) / Points) - centreY;
                    covered += covers(((dx * cos) + (dy * sin)) / radius, ((dy * cos) - (dx * sin)) / radius) ? 1 : 0;
                }

                Rgb color = Rgb.Mix(ground * (1 + (patches * noise.At(x, y, 14, 3))), shape, (float)covered / (Points * Points)) + (grain * (float)random.NextNormal());
                Span<byte> pixel = image.Row(y).Slice(x * 3, 3);
                (pixel[0], pixel[1], pixel[2]) = (ByteOf(color.Red), ByteOf(color.Green), ByteOf(color.Blue));
            }
        }

        return image;
    }

    private static Rgb DrawColor(ref SampleRandom random) => new((float)random.NextDouble(20, 235), (float)random.NextDouble(20, 235), (float)random.NextDouble(20, 235));

    private static float DistanceOf(Rgb first, Rgb second) =>
        MathF.Sqrt(Square(first.Red - second.Red) + Square(first.Green - second.Green) + Square(first.Blue - second.Blue));

    private static float Square(float value) => value * value;

    private static byte ByteOf(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
