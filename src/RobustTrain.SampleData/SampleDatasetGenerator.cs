using RobustTrain.Data;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.SampleData;

/// <summary>
/// Makes aerial scenes at two dates, in the layout and the sizes of the SZTAKI AirChange benchmark. Between the dates ground is built up:
/// paved lots and buildings are the changes. Crops, light, season, shadows, small shifts of the camera and noise differ as well, and are none.
/// </summary>
public static class SampleDatasetGenerator
{
    private const uint WorldPurpose = 1;
    private const uint DatePurpose = 2;
    private const uint NoisePurpose = 3;

    /// <summary>Writes the twelve scenes. The folder appears whole or not at all.</summary>
    /// <param name="options">What, and where.</param>
    /// <param name="progress">Is told of each scene.</param>
    /// <param name="stopping">Stops between two scenes; nothing is left behind.</param>
    /// <exception cref="DatasetException">The folder exists and is not empty, or can't be written.</exception>
    public static void Write(SampleDatasetOptions options, Action<SampleDatasetProgress>? progress = null, CancellationToken stopping = default)
    {
        if (options.ChangeShare is not (>= 0.01 and <= 0.2))
            throw new ArgumentOutOfRangeException(nameof(options), options.ChangeShare, "The share of changes must be 0.01 to 0.2.");
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Path));
        if (File.Exists(target))
            throw new DatasetException($"The path '{target}' is a file; expected a folder that is empty or does not exist.", target);
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new DatasetException($"The folder '{target}' is not empty; sample data is written into a new or empty folder.", target);

        string partial = $"{target}.partial-{Environment.ProcessId}";
        try
        {
            IReadOnlyList<string> names = AirChangeLayout.SceneNames;
            for (int scene = 0; scene < names.Count; scene++)
            {
                stopping.ThrowIfCancellationRequested();
                WriteScene(Path.Combine(partial, names[scene]), options, scene);
                progress?.Invoke(new SampleDatasetProgress(names[scene], scene + 1, names.Count));
            }

            if (Directory.Exists(target))
                Directory.Delete(target);
            Directory.Move(partial, target);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"The sample data can't be written to '{target}': {exception.Message}", target, exception);
        }
        finally
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
        }
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

    private static SceneDate DrawDate(bool isSecond, ref SampleRandom random)
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
}

/// <summary>What sample data is made, and where.</summary>
public sealed record SampleDatasetOptions
{
    /// <summary>The folder to make; it must not exist or be empty.</summary>
    public required string Path { get; init; }

    /// <summary>The same seed gives the same bytes.</summary>
    public long Seed { get; init; }

    /// <summary>The share of each scene that is built up between the dates, 0.01 to 0.2.</summary>
    public double ChangeShare { get; init; } = 0.06;
}

/// <summary>A scene of the sample data is written.</summary>
/// <param name="Scene">Its name, as in <c>Szada/1</c>.</param>
/// <param name="Done">Scenes written so far.</param>
/// <param name="Total">Scenes in all.</param>
public readonly record struct SampleDatasetProgress(string Scene, int Done, int Total);
