using RobustTrain.Data;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.SampleData;

/// <summary>
/// Images full of what is lost where an image is made smaller: glyphs, thin lines, edges at every angle, stripes, checks and rough textures. They
/// are drawn at three times their size and averaged, as a camera would see them. The folders train, val and test each have the folder gt, the ground
/// truth of the dataset paired-images; its low-quality images are made when it is read.
/// </summary>
internal static class DetailImages
{
    private const int Side = 192;
    private const int Oversampling = 3;
    private static readonly (string Split, int Count)[] s_splits = [("train", 48), ("val", 6), ("test", 12)];

    // Five columns of seven pixels each, the lowest bit on top.
    private static readonly byte[][] s_glyphs =
    [
        [0x3E, 0x51, 0x49, 0x45, 0x3E], [0x00, 0x42, 0x7F, 0x40, 0x00], [0x42, 0x61, 0x51, 0x49, 0x46], [0x21, 0x41, 0x45, 0x4B, 0x31],
        [0x18, 0x14, 0x12, 0x7F, 0x10], [0x27, 0x45, 0x45, 0x45, 0x39], [0x3C, 0x4A, 0x49, 0x49, 0x30], [0x01, 0x71, 0x09, 0x05, 0x03],
        [0x36, 0x49, 0x49, 0x49, 0x36], [0x06, 0x49, 0x49, 0x29, 0x1E], [0x7E, 0x11, 0x11, 0x11, 0x7E], [0x7F, 0x49, 0x49, 0x49, 0x36],
        [0x3E, 0x41, 0x41, 0x41, 0x22], [0x7F, 0x49, 0x49, 0x49, 0x41], [0x7F, 0x08, 0x08, 0x08, 0x7F], [0x7F, 0x08, 0x14, 0x22, 0x41],
        [0x7F, 0x02, 0x0C, 0x02, 0x7F], [0x7F, 0x09, 0x19, 0x29, 0x46], [0x46, 0x49, 0x49, 0x49, 0x31], [0x63, 0x14, 0x08, 0x14, 0x63],
    ];

    /// <summary>The images.</summary>
    public static IEnumerable<SampleDataPart> Of(SampleDatasetOptions options)
    {
        int number = 0;
        foreach ((string split, int count) in s_splits)
        {
            for (int image = 1; image <= count; image++)
            {
                SampleKey key = new(options.Seed, 0, number++);
                string name = FormattableString.Invariant($"{split}/gt/{image:000}.png");
                yield return new SampleDataPart(name, folder => Write(Path.Combine(folder, split, "gt"), Path.GetFileName(name), key));
            }
        }
    }

    private static void Write(string folder, string name, SampleKey key)
    {
        Directory.CreateDirectory(folder);
        using FileStream file = File.Create(Path.Combine(folder, name));
        PngWriter.Write(file, Average(Draw(key)));
    }

    private static Canvas Draw(SampleKey key)
    {
        SampleRandom random = new(key);
        NoiseTexture texture = new(ref random);
        Canvas canvas = new(Side * Oversampling, Side * Oversampling, 0, 0);
        Rgb first = DrawColour(ref random);
        Rgb second = DrawColour(ref random);
        float size = Pixels(random.NextDouble(2, 40));
        float depth = (float)random.NextDouble(0, 50);
        float angle = (float)random.NextDouble(0, 2 * Math.PI);
        (float sin, float cos) = MathF.SinCos(angle);
        float reach = Side * Oversampling;
        canvas.Fill(
            new Rectangle(reach / 2, reach / 2, reach, reach, 0),
            (_, x, y, _, _) => Rgb.Mix(first, second, 0.5f + ((((x - (reach / 2)) * cos) + ((y - (reach / 2)) * sin)) / (1.5f * reach))) + (depth * texture.At(x, y, size, 4)));
        int shapes = 14 + random.NextInt(10);
        for (int shape = 0; shape < shapes; shape++)
            AddShape(canvas, texture, ref random);
        int lines = 3 + random.NextInt(4);
        for (int line = 0; line < lines; line++)
            AddText(canvas, ref random);
        return canvas;
    }

    private static void AddShape(Canvas canvas, NoiseTexture texture, ref SampleRandom random)
    {
        Rgb colour = DrawColour(ref random);
        Rgb other = DrawColour(ref random);
        float x = Pixels(random.NextDouble(0, Side));
        float y = Pixels(random.NextDouble(0, Side));
        float half = Pixels(random.NextDouble(6, 36));
        float otherHalf = Pixels(random.NextDouble(6, 36));
        float angle = (float)random.NextDouble(0, Math.PI);
        float period = Pixels(random.NextDouble(2.5, 9));
        float ring = (float)random.NextDouble(0.1, 0.9);
        Rectangle area = new(x, y, half, otherHalf, angle);
        switch (random.NextInt(6))
        {
            case 0:
                canvas.Fill(area, (_, _, _, _, _) => colour);
                break;
            case 1:
                canvas.Fill(area, (_, _, _, along, _) => IsOdd(along / period) ? colour : other);
                break;
            case 2:
                canvas.Fill(area, (_, _, _, along, across) => IsOdd(along / period) == IsOdd(across / period) ? colour : other);
                break;
            case 3:
                canvas.Fill(area with { HalfWidth = half }, (below, _, _, along, across) => MathF.Sqrt((along * along) + (across * across)) / half is float radius && radius <= 1 && radius >= ring ? colour : below);
                break;
            case 4:
                canvas.Fill(area with { HalfLength = 3 * half, HalfWidth = Pixels(0.4 + ring) }, (_, _, _, _, _) => colour);
                break;
            default:
                canvas.Fill(area, (_, px, py, _, _) => colour + (90 * texture.At(px, py, period, 3)));
                break;
        }
    }

    private static void AddText(Canvas canvas, ref SampleRandom random)
    {
        Rgb ink = DrawColour(ref random);
        float cell = Pixels(random.NextDouble(0.9, 2.4));
        byte[][] text = new byte[4 + random.NextInt(10)][];
        for (int letter = 0; letter < text.Length; letter++)
            text[letter] = s_glyphs[random.NextInt(s_glyphs.Length)];
        float halfLength = cell * text.Length * 3;
        float halfWidth = cell * 3.5f;
        float x = Pixels(random.NextDouble(0.2, 0.8) * Side);
        float y = Pixels(random.NextDouble(0.1, 0.9) * Side);
        float angle = random.NextBool(0.5) ? 0 : (float)random.NextDouble(-0.5, 0.5);
        canvas.Fill(new Rectangle(x, y, halfLength, halfWidth, angle), (below, _, _, along, across) =>
        {
            int column = (int)((along + halfLength) / cell);
            int row = (int)((across + halfWidth) / cell);
            (int letter, int place) = (column / 6, column % 6);
            return letter < text.Length && place < 5 && row < 7 && ((text[letter][place] >> row) & 1) == 1 ? ink : below;
        });
    }

    private static bool IsOdd(float number) => ((int)MathF.Floor(number) & 1) == 1;

    private static float Pixels(double pixels) => (float)(pixels * Oversampling);

    private static Rgb DrawColour(ref SampleRandom random)
    {
        float light = (float)random.NextDouble(20, 235);
        return new Rgb(light + (float)random.NextDouble(-40, 40), light + (float)random.NextDouble(-40, 40), light + (float)random.NextDouble(-40, 40));
    }

    private static ImageBuffer Average(Canvas canvas)
    {
        ImageBuffer image = new();
        image.SetSize(Side, Side, 3);
        for (int y = 0; y < Side; y++)
        {
            Span<byte> row = image.Row(y);
            for (int x = 0; x < Side; x++)
            {
                Rgb sum = default;
                for (int inner = 0; inner < Oversampling * Oversampling; inner++)
                {
                    Rgb pixel = canvas.Pixels[(((y * Oversampling) + (inner / Oversampling)) * canvas.Width) + (x * Oversampling) + (inner % Oversampling)];
                    sum = new Rgb(sum.Red + Cut(pixel.Red), sum.Green + Cut(pixel.Green), sum.Blue + Cut(pixel.Blue));
                }

                Rgb mean = sum * (1f / (Oversampling * Oversampling));
                (row[x * 3], row[(x * 3) + 1], row[(x * 3) + 2]) = ((byte)(mean.Red + 0.5f), (byte)(mean.Green + 0.5f), (byte)(mean.Blue + 0.5f));
            }
        }

        return image;
    }

    private static float Cut(float value) => Math.Clamp(value, 0, 255);
}
