using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.SampleData;

/// <summary>
/// Aerial images with what each pixel shows (data.dataset: images-labels): 0 open ground, 1 building, 2 paving, 3 tree. Each world is seen on a day of
/// its own and is cut into tiles; those of a world are of one split. The labels have a palette, whose numbers are the classes.
/// </summary>
internal static class ClassMapScenes
{
    private const uint WorldPurpose = 4;
    private const uint DatePurpose = 5;
    private const uint NoisePurpose = 6;
    private const int Columns = 4;
    private const int Rows = 3;
    private const int TileSide = 128;

    // As much building land as fits between roads.
    private const double BuiltShare = 0.15;

    private static readonly (DatasetSplit Split, int Worlds)[] s_splits = [(DatasetSplit.Train, 8), (DatasetSplit.Val, 2), (DatasetSplit.Test, 2)];

    // Red, green and blue of each class.
    private static readonly byte[] s_palette = [150, 170, 90, 200, 60, 50, 150, 150, 160, 30, 110, 40];

    /// <summary>The worlds.</summary>
    public static IEnumerable<SampleDataPart> Of(SampleDatasetOptions options) => s_splits
        .SelectMany(split => Enumerable.Range(1, split.Worlds), (split, number) => (Split: split.Split.ToString().ToLowerInvariant(), Number: number))
        .Select((world, index) => new SampleDataPart($"{world.Split}/{world.Number}", folder => WriteWorld(Path.Combine(folder, world.Split), $"world{world.Number}", new SampleKey(options.Seed, 0, index))));

    private static void WriteWorld(string folder, string name, SampleKey key)
    {
        const int width = Columns * TileSide;
        const int height = Rows * TileSide;
        SampleRandom worldRandom = new(key, WorldPurpose);
        SampleRandom dateRandom = new(key, DatePurpose);
        SampleRandom noiseRandom = new(key, NoisePurpose);
        SceneWorld world = new(width, height, BuiltShare, ref worldRandom);
        ScenePainter painter = new(world, new NoiseTexture(ref worldRandom), width, height);
        SceneDate date = ChangeScenes.DrawDate(isSecond: true, ref dateRandom);
        ImageBuffer image = painter.Paint(date, ref noiseRandom);
        ImageBuffer classes = painter.PaintClasses(date);
        string images = Directory.CreateDirectory(Path.Combine(folder, "images")).FullName;
        string labels = Directory.CreateDirectory(Path.Combine(folder, "labels")).FullName;
        for (int tile = 0; tile < Columns * Rows; tile++)
        {
            (int left, int top) = (tile % Columns * TileSide, tile / Columns * TileSide);
            WriteTile(Path.Combine(images, $"{name}-{tile + 1:00}.png"), image, left, top, PngColor.Rgb, []);
            WriteTile(Path.Combine(labels, $"{name}-{tile + 1:00}.png"), classes, left, top, PngColor.Palette, s_palette);
        }
    }

    private static void WriteTile(string path, ImageBuffer source, int left, int top, PngColor color, byte[] palette)
    {
        using FileStream file = File.Create(path);
        using PngWriter writer = new(file, TileSide, TileSide, color, palette);
        for (int y = top; y < top + TileSide; y++)
            writer.WriteRow(source.Row(y).Slice(left * source.Channels, TileSide * source.Channels));
    }
}
