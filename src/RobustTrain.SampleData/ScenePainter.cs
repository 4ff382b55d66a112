using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.SampleData;

/// <summary>Paints a world as a camera sees it from the air on one date.</summary>
internal sealed class ScenePainter(SceneWorld world, NoiseTexture noise, int width, int height)
{
    private const float ShadowDepth = 0.45f;

    private static readonly Rgb[] Crops =
    [
        new(92, 132, 58), new(58, 92, 46), new(188, 168, 92), new(172, 146, 104),
        new(122, 90, 62), new(86, 64, 46), new(160, 132, 98), new(128, 150, 70),
    ];

    private static readonly Rgb[] Pavings = [new(172, 171, 170), new(150, 151, 155), new(186, 183, 178)];

    private static readonly Rgb[] Roofs = [new(170, 78, 58), new(138, 58, 48), new(84, 90, 104), new(206, 210, 216), new(72, 98, 148)];

    private static readonly Rgb[] Grass = [new(104, 134, 70), new(118, 128, 74), new(126, 118, 74)];

    private static readonly Rgb[] Leaves = [new(82, 112, 52), new(54, 84, 40), new(140, 98, 44)];

    private static readonly Rgb Evergreen = new(44, 70, 44);

    private static readonly Rgb Asphalt = new(112, 112, 116);

    public static int CropCount => Crops.Length;

    public static int PavingCount => Pavings.Length;

    public static int RoofCount => Roofs.Length;

    /// <summary>Paints the world on a date.</summary>
    public ImageBuffer Paint(SceneDate date, ref SampleRandom random)
    {
        Canvas canvas = new(width, height, date.ShiftX, date.ShiftY);
        foreach (SceneField field in world.Fields)
            PaintField(canvas, field, date);
        foreach (Rectangle road in world.Roads)
            PaintRoad(canvas, road);
        SceneLot[] lots = [.. world.Lots.Where(lot => date.IsSecond || !lot.IsNew)];
        foreach (SceneLot lot in lots)
            PaintPaving(canvas, lot);
        PaintShadows(canvas, lots, date);
        foreach (SceneTree tree in world.Trees)
            PaintTree(canvas, tree, date);
        foreach (SceneBuilding building in lots.SelectMany(lot => lot.Buildings))
            PaintRoof(canvas, building, date);
        return Develop(canvas, date, ref random);
    }

    /// <summary>The ground truth, 255 where something was built between the dates, as the camera of the second date sees it.</summary>
    public ImageBuffer PaintChanges(SceneDate second)
    {
        Canvas canvas = new(width, height, second.ShiftX, second.ShiftY);
        bool[] mask = new bool[width * height];
        foreach (SceneLot lot in world.Lots.Where(lot => lot.IsNew))
            canvas.Mark(lot.Area, mask);
        ImageBuffer image = new();
        image.SetSize(width, height, 1);
        for (int pixel = 0; pixel < mask.Length; pixel++)
            image.Pixels[pixel] = mask[pixel] ? (byte)255 : (byte)0;
        return image;
    }

    /// <summary>What each pixel shows, as the camera of a date sees it: 0 open ground, 1 building, 2 paving (roads and yards), 3 tree.</summary>
    public ImageBuffer PaintClasses(SceneDate date)
    {
        Canvas canvas = new(width, height, date.ShiftX, date.ShiftY);
        SceneLot[] lots = [.. world.Lots.Where(lot => date.IsSecond || !lot.IsNew)];
        foreach (Rectangle paved in world.Roads.Concat(lots.Select(lot => lot.Area)))
            canvas.Fill(paved, (_, _, _, _, _) => ClassColor(2));
        foreach (SceneTree tree in world.Trees)
            canvas.Fill(BoxOf(tree), (below, x, y, along, across) => IsCrown(tree, x, y, along, across) ? ClassColor(3) : below);
        foreach (SceneBuilding building in lots.SelectMany(lot => lot.Buildings))
            canvas.Fill(building.Area, (_, _, _, _, _) => ClassColor(1));
        ImageBuffer classes = new();
        classes.SetSize(width, height, 1);
        for (int pixel = 0; pixel < canvas.Pixels.Length; pixel++)
            classes.Pixels[pixel] = (byte)canvas.Pixels[pixel].Red;
        return classes;

        static Rgb ClassColor(int number) => new(number, number, number);
    }

    private void PaintField(Canvas canvas, SceneField field, SceneDate date)
    {
        int crop = date.IsSecond ? field.Crop2 : field.Crop1;
        Rgb ground = field.Kind switch
        {
            FieldKind.Arable => Crops[crop],
            FieldKind.Meadow => Grass[date.Season],
            _ => Leaves[date.Season] * 0.8f,
        };
        // Grown crops close the gaps between the rows, bare soil shows the plough.
        float rows = field.Kind == FieldKind.Arable ? (crop % 2 == 0 ? 0.10f : 0.05f) : 0;
        float frequency = 2 * MathF.PI / field.RowSpacing;
        canvas.Fill(field.Area, (_, x, y, along, across) =>
        {
            float patches = noise.At(x, y, 60, 3);
            float grain = noise.At(x + 500, y + 300, 3.2f, 2);
            float wave = MathF.Sin(((field.RowsAcross ? along : across) + (1.5f * patches)) * frequency);
            float edge = Math.Min(field.Area.HalfLength - MathF.Abs(along), field.Area.HalfWidth - MathF.Abs(across));
            Rgb colour = ground * (1 + (0.16f * patches) + (0.12f * grain) + (rows * wave));
            return edge < 2.2f ? Rgb.Mix(colour, Grass[date.Season] * 0.85f, 0.7f) : colour;
        });
    }

    private void PaintRoad(Canvas canvas, Rectangle road) => canvas.Fill(road, (_, x, y, along, across) =>
    {
        bool mark = MathF.Abs(across) < 0.7f && MathF.Abs(along % 18) < 9;
        return (mark ? new Rgb(196, 196, 192) : Asphalt) * (1 + (0.06f * noise.At(x, y, 5, 2)));
    });

    private void PaintPaving(Canvas canvas, SceneLot lot) => canvas.Fill(lot.Area, (_, x, y, along, across) =>
    {
        bool joint = MathF.Abs(along % 9) < 0.8f || MathF.Abs(across % 9) < 0.8f;
        float edge = Math.Min(lot.Area.HalfLength - MathF.Abs(along), lot.Area.HalfWidth - MathF.Abs(across));
        float shade = edge < 1.4f ? 0.7f : joint ? 0.88f : 1f;
        return Pavings[lot.Paving] * (shade + (0.05f * noise.At(x, y, 12, 2)));
    });

    private void PaintShadows(Canvas canvas, SceneLot[] lots, SceneDate date)
    {
        bool[] mask = new bool[width * height];
        foreach (SceneBuilding building in lots.SelectMany(lot => lot.Buildings))
        {
            float length = building.Height * date.ShadowLength;
            for (float step = 0; step <= length; step += 1)
                canvas.MarkShifted(building.Area, date.SunX * step, date.SunY * step, mask);
        }

        foreach (SceneTree tree in world.Trees)
        {
            float side = tree.Radius * 0.75f;
            for (float step = 0; step <= tree.Radius * date.ShadowLength; step += 1)
                canvas.MarkShifted(new Rectangle(tree.X, tree.Y, side, side, 0), date.SunX * step, date.SunY * step, mask);
        }

        for (int pixel = 0; pixel < mask.Length; pixel++)
        {
            if (mask[pixel])
            {
                Rgb lit = canvas.Pixels[pixel];
                canvas.Pixels[pixel] = new Rgb(lit.Red * ShadowDepth, lit.Green * ShadowDepth, lit.Blue * (ShadowDepth + 0.08f));
            }
        }
    }

    private void PaintTree(Canvas canvas, SceneTree tree, SceneDate date)
    {
        Rgb leaves = tree.IsEvergreen ? Evergreen : Leaves[date.Season];
        canvas.Fill(BoxOf(tree), (below, x, y, along, across) =>
        {
            if (!IsCrown(tree, x, y, along, across))
                return below;
            // The side towards the sun is lighter.
            float side = -((along * date.SunX) + (across * date.SunY)) / tree.Radius;
            return leaves * (tree.Shade * (0.85f + (0.3f * side) + (0.2f * noise.At(x + 90, y, 2.5f, 2))));
        });
    }

    private static Rectangle BoxOf(SceneTree tree) => new(tree.X, tree.Y, tree.Radius + 1, tree.Radius + 1, 0);

    private bool IsCrown(SceneTree tree, float x, float y, float along, float across) =>
        MathF.Sqrt((along * along) + (across * across)) <= tree.Radius * (0.85f + (0.25f * noise.At(x, y, 4, 1)));

    private void PaintRoof(Canvas canvas, SceneBuilding building, SceneDate date)
    {
        (float sin, float cos) = MathF.SinCos(building.Area.Angle);
        // How much the slope with positive "across" looks away from the sun.
        float away = (-sin * date.SunX) + (cos * date.SunY);
        canvas.Fill(building.Area, (_, x, y, along, across) =>
        {
            float slope = 1 - (0.22f * away * MathF.Sign(across));
            bool ridge = MathF.Abs(across) < 0.8f;
            bool tiles = MathF.Abs(along % 4) < 1;
            float edge = Math.Min(building.Area.HalfLength - MathF.Abs(along), building.Area.HalfWidth - MathF.Abs(across));
            float shade = slope * (ridge ? 1.15f : tiles ? 0.92f : 1f) * (edge < 1 ? 0.75f : 1f);
            return Roofs[building.Roof] * (shade + (0.05f * noise.At(x, y, 6, 2)));
        });
    }

    /// <summary>Light, haze, the blur of the optics and the noise of the camera.</summary>
    private ImageBuffer Develop(Canvas canvas, SceneDate date, ref SampleRandom random)
    {
        ImageBuffer image = new();
        image.SetSize(width, height, 3);
        Span<byte> pixels = image.Pixels;
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                Rgb centre = canvas.Pixels[(y * width) + x];
                Rgb left = canvas.Pixels[(y * width) + Math.Max(x - 1, 0)];
                Rgb right = canvas.Pixels[(y * width) + Math.Min(x + 1, width - 1)];
                Rgb above = canvas.Pixels[(Math.Max(y - 1, 0) * width) + x];
                Rgb below = canvas.Pixels[(Math.Min(y + 1, height - 1) * width) + x];
                Rgb blurred = Rgb.Mix(Rgb.Mix(Rgb.Mix(left, right, 0.5f), Rgb.Mix(above, below, 0.5f), 0.5f), centre, 0.55f);
                float grain = date.Noise * (float)random.NextNormal();
                int place = ((y * width) + x) * 3;
                pixels[place] = Expose(blurred.Red * date.Light.Red, date.Haze, grain);
                pixels[place + 1] = Expose(blurred.Green * date.Light.Green, date.Haze, grain);
                pixels[place + 2] = Expose(blurred.Blue * date.Light.Blue, date.Haze, grain);
            }
        }

        return image;
    }

    private static byte Expose(float value, float haze, float grain) =>
        (byte)Math.Clamp((value * (1 - haze)) + (205 * haze) + grain + 0.5f, 0, 255);
}

/// <summary>How the world looks on one of the two dates; none of it is a change.</summary>
/// <param name="IsSecond">Which date.</param>
/// <param name="ShiftX">The camera's shift in pixels.</param>
/// <param name="ShiftY">The camera's shift in pixels.</param>
/// <param name="SunX">The direction of shadows, of length 1.</param>
/// <param name="SunY">The direction of shadows, of length 1.</param>
/// <param name="ShadowLength">Pixels of shadow for each pixel of height.</param>
/// <param name="Light">The colour of the light, about 1.</param>
/// <param name="Haze">The share of white haze, 0 to 0.2.</param>
/// <param name="Season">0 spring, 1 summer, 2 autumn.</param>
/// <param name="Noise">The deviation of the camera's noise.</param>
internal sealed record SceneDate(bool IsSecond, float ShiftX, float ShiftY, float SunX, float SunY, float ShadowLength, Rgb Light, float Haze, int Season, float Noise);
