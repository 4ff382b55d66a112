using RobustTrain.Data;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.SampleData;

/// <summary>
/// Aerial scenes at two dates, in the layout and the sizes of the SZTAKI AirChange benchmark. Between the dates ground is built up:
/// paved lots and buildings are the changes. Crops, light, season, shadows, small shifts of the camera and noise differ as well, and are none.
/// </summary>
internal static class ChangeScenes
{
    private const uint WorldPurpose = 1;
    private const uint DatePurpose = 2;
    private const uint NoisePurpose = 3;

    /// <summary>The twelve scenes.</summary>
    public static IEnumerable<SampleDataPart> Of(SampleDatasetOptions options) => options.ChangeShare is >= 0.01 and <= 0.2
        ? AirChangeLayout.SceneNames.Select((name, scene) => new SampleDataPart(name, folder => WriteScene(Path.Combine(folder, name), options, scene)))
        : throw new ArgumentOutOfRangeException(nameof(options), options.ChangeShare, "The share of changes must be 0.01 to 0.2.");

    /// <summary>The light and the weather of a date.</summary>
    public static SceneDate DrawDate(bool isSecond, ref SampleRandom random)
    {
        (float sin, float cos) = MathF.SinCos((float)random.NextDouble(0, 2 * Math.PI));
        float light = (float)random.NextDouble(0.82, 1.12);
        Rgb cast = new(
            light * (float)random.NextDouble(0.94, 1.06),
            light * (float)random.NextDouble(0.96, 1.04),
            light * (float)random.NextDouble(0.92, 1.06));
        // The ground truth is drawn as the second camera sees it, so the first carries the shift.
        float shift = isSecond ? 0 : 1.6f;
        return new SceneDate(
            isSecond,
            shift * (float)random.NextDouble(-1, 1),
            shift * (float)random.NextDouble(-1, 1),
            cos,
            sin,
            (float)random.NextDouble(0.5, 1.5),
            cast,
            (float)random.NextDouble(0, 0.15),
            random.NextInt(3),
            (float)random.NextDouble(2, 5));
    }

    private static void WriteScene(string folder, SampleDatasetOptions options, int scene)
    {
        SampleKey key = new(options.Seed, 0, scene);
        SampleRandom worldRandom = new(key, WorldPurpose);
        SampleRandom dateRandom = new(key, DatePurpose);
        SampleRandom noiseRandom = new(key, NoisePurpose);
        SceneWorld world = new(AirChangeLayout.SceneWidth, AirChangeLayout.SceneHeight, options.ChangeShare, ref worldRandom);
        ScenePainter painter = new(world, new NoiseTexture(ref worldRandom), AirChangeLayout.SceneWidth, AirChangeLayout.SceneHeight);
        SceneDate first = DrawDate(isSecond: false, ref dateRandom);
        SceneDate second = DrawDate(isSecond: true, ref dateRandom);
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "im1.bmp"), BmpEncoder.Encode(painter.Paint(first, ref noiseRandom)));
        File.WriteAllBytes(Path.Combine(folder, "im2.bmp"), BmpEncoder.Encode(painter.Paint(second, ref noiseRandom)));
        File.WriteAllBytes(Path.Combine(folder, "gt.bmp"), BmpEncoder.Encode(painter.PaintChanges(second)));
    }
}
