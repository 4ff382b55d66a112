using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.AirChange;

/// <summary>
/// The SZTAKI AirChange benchmark (Benedek and Sziranyi, IEEE TGRS 47(10), 2009): twelve scenes of 952x640 pixels at two dates.
/// The top left 784x448 pixels test (Zhan et al., IEEE GRSL 14(10), 2017); the L-shaped rest trains.
/// </summary>
public static class AirChangeLayout
{
    /// <summary>Pixels in a row of a scene.</summary>
    public const int SceneWidth = 952;

    /// <summary>Rows of a scene.</summary>
    public const int SceneHeight = 640;

    /// <summary>Columns of the test crop, from the left.</summary>
    public const int TestWidth = 784;

    /// <summary>Rows of the test crop, from the top.</summary>
    public const int TestHeight = 448;

    /// <summary>Training crops of a scene in an epoch: 3744 over the twelve scenes.</summary>
    public const int CropsPerScene = 312;

    private static readonly (string Name, int Scenes)[] Locations = [("Szada", 7), ("Tiszadob", 5)];

    /// <summary>The scenes' names, in the order in which the dataset numbers them: <c>Szada/1</c> to <c>Tiszadob/5</c>.</summary>
    public static IReadOnlyList<string> SceneNames { get; } =
        [.. Locations.SelectMany(location => Enumerable.Range(1, location.Scenes).Select(number => $"{location.Name}/{number}"))];

    /// <summary>
    /// The corners that a crop may have so that it lies within the scene and outside the test area: right of it in any row, then below it,
    /// left of that strip.
    /// </summary>
    /// <param name="cropSize">The side of a crop.</param>
    internal static CropCorners[] CornersOf(int cropSize) =>
    [
        new(TestWidth, 0, SceneWidth - TestWidth - cropSize, SceneHeight - cropSize),
        new(0, TestHeight, TestWidth, SceneHeight - TestHeight - cropSize),
    ];

    /// <summary>The corners of crops that cover the training area once, but for the overlap of the last in each row or column.</summary>
    internal static (int X, int Y)[] Tiles(int cropSize)
    {
        List<(int, int)> tiles = [];
        foreach (int y in Starts(0, TestHeight, cropSize))
            tiles.AddRange(Starts(TestWidth, SceneWidth, cropSize).Select(x => (x, y)));
        foreach (int y in Starts(TestHeight, SceneHeight, cropSize))
            tiles.AddRange(Starts(0, SceneWidth, cropSize).Select(x => (x, y)));
        return [.. tiles];
    }

    /// <summary>Finds the twelve scenes in a folder as it was unpacked, and what its operator should hear of it.</summary>
    /// <exception cref="DatasetException">The folder is missing or empty, or a scene or a file is not there.</exception>
    internal static (IReadOnlyList<ChangePair> Scenes, IReadOnlyList<DatasetWarning> Warnings) Find(string path)
    {
        string root = DatasetFolder.Open(path);
        string? szada = DatasetFolder.FindFolder(root, Locations[0].Name);
        if (szada is null && Directory.GetDirectories(root).FirstOrDefault(inner => DatasetFolder.FindFolder(inner, Locations[0].Name) is not null) is string below)
            root = below;
        List<ChangePair> scenes = [];
        List<string> files = [];
        foreach ((string location, int count) in Locations)
        {
            string folder = DatasetFolder.FindFolder(root, location) ?? throw NoLocation(root, location);
            files.AddRange(DatasetFolder.FilesBelow(folder).Select(file => DatasetFolder.FullPath(folder, file)));
            for (int number = 1; number <= count; number++)
            {
                string name = $"{location}/{number}";
                string scene = DatasetFolder.FindFolder(folder, $"{number}")
                    ?? throw new DatasetException($"The scene '{name}' is missing: '{folder}' has no folder '{number}'; expected Szada/1 to 7 and Tiszadob/1 to 5.", folder);
                scenes.Add(new ChangePair(name, FindFile(scene, "im1.bmp"), FindFile(scene, "im2.bmp"), FindFile(scene, "gt.bmp")));
            }
        }

        IEnumerable<string> others = files.Except(scenes.SelectMany(scene => (string[])[scene.Image1, scene.Image2, scene.Label]));
        return (scenes, DatasetFolder.Unused(root, (("unused_files", "Files that are none of the twelve scenes' im1.bmp, im2.bmp and gt.bmp are not used"), others)));
    }

    /// <summary>Checks by their headers that the files are images of the benchmark's size.</summary>
    /// <exception cref="DatasetException">Some aren't; it names each.</exception>
    internal static void CheckHeaders(IEnumerable<ChangePair> scenes, HeaderCheck check)
    {
        List<DatasetFault> faults = [];
        foreach (ChangePair scene in scenes)
        {
            int before = faults.Count;
            if (check.Read(scene, faults) is not { } files)
                continue;
            foreach ((string file, ImageInfo info) in files)
            {
                if ((info.Width, info.Height) != (SceneWidth, SceneHeight))
                    faults.Add(new DatasetFault($"The image '{file}' is {info.Width}x{info.Height} pixels; expected {SceneWidth}x{SceneHeight}.", file));
            }

            if (faults.Count == before)
                HeaderCheck.CheckPartners(files, faults);
        }

        DatasetException.ThrowIfAny(faults);
    }

    private static IEnumerable<int> Starts(int from, int to, int size)
    {
        for (int start = from; start + size <= to; start += size)
            yield return start;
        if ((to - from) % size != 0)
            yield return to - size;
    }

    private static string FindFile(string folder, string name) =>
        Directory.EnumerateFiles(folder).FirstOrDefault(file => string.Equals(System.IO.Path.GetFileName(file), name, StringComparison.OrdinalIgnoreCase))
        ?? throw new DatasetException($"The scene '{folder}' has no file '{name}'; expected im1.bmp, im2.bmp and gt.bmp.", folder);

    private static DatasetException NoLocation(string root, string location)
    {
        string found = string.Join(", ", Directory.EnumerateFileSystemEntries(root).Select(entry => $"'{System.IO.Path.GetFileName(entry)}'").Order().Take(5));
        return new DatasetException($"The data folder '{root}' holds no folder '{location}' but {found}; expected Szada and Tiszadob{DatasetFolder.OtherReader(root)}.", root);
    }
}
