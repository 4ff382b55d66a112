using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.ImagePairs;

/// <summary>Pairs of images of one place without labels: named one by one, or by two folders whose images have the same names.</summary>
public sealed class ImagePairList
{
    private ImagePairList(IReadOnlyList<ImagePair> pairs, IReadOnlyList<DatasetWarning> warnings)
    {
        Pairs = pairs;
        Warnings = warnings;
    }

    /// <summary>The pairs, in the order of their sources, and of their names within two folders.</summary>
    public IReadOnlyList<ImagePair> Pairs { get; }

    /// <summary>What is done with some of the files that the operator should know of.</summary>
    public IReadOnlyList<DatasetWarning> Warnings { get; }

    /// <summary>Finds the pairs and reads the headers of their files.</summary>
    /// <param name="sources">Where to look.</param>
    /// <param name="convertsImages">Whether images that are not upright 8-bit grey or RGB are converted; if not, they are refused.</param>
    /// <exception cref="DatasetException">A partner or a folder is missing, an image can't be read or is too large, or the sizes of a pair differ; with all such faults.</exception>
    public static ImagePairList Open(IEnumerable<ImagePairSource> sources, bool convertsImages)
    {
        using HeaderCheck check = new(convertsImages);
        List<DatasetFault> faults = [];
        List<ImagePair> pairs = [];
        List<string> others = [];
        foreach ((string name, string image1, string image2) in sources.SelectMany(source => Find(source, faults, others)))
        {
            if (Read(check, name, image1, image2, faults) is { } pair)
                pairs.Add(pair);
        }

        DatasetException.ThrowIfAny(faults);
        IEnumerable<DatasetWarning> unused = others.Count == 0 ? [] : [new DatasetWarning(DatasetFolder.OtherFormats.Kind, DatasetFolder.OtherFormats.Text, others)];
        return new ImagePairList(pairs, [.. check.Warnings, .. unused]);
    }

    private static IEnumerable<(string Name, string Image1, string Image2)> Find(ImagePairSource source, List<DatasetFault> faults, List<string> others)
    {
        string first = Path.GetFullPath(source.First);
        if (source.Second is null)
            return InFolder(first, faults, others);
        string second = Path.GetFullPath(source.Second);
        if (File.Exists(first) && File.Exists(second))
            return [(DatasetFolder.StemOf(Path.GetFileName(first)), first, second)];
        if (Directory.Exists(first) && Directory.Exists(second))
            return InFolders(first, second, faults, others);
        foreach (string missing in new[] { first, second }.Where(path => !Path.Exists(path)))
            faults.Add(new DatasetFault($"There is no image or folder '{missing}'.", missing));
        if (Path.Exists(first) && Path.Exists(second))
            faults.Add(new DatasetFault($"'{first}' is a {KindOf(first)}, but its partner '{second}' is a {KindOf(second)}; expected two images or two folders.", first));
        return [];
    }

    private static IEnumerable<(string Name, string Image1, string Image2)> InFolder(string folder, List<DatasetFault> faults, List<string> others)
    {
        if (!Directory.Exists(folder))
        {
            faults.Add(new DatasetFault($"There is no folder '{folder}'; expected one with the folders A and B.", folder));
            return [];
        }

        string? first = DatasetFolder.FindFolder(folder, "A");
        string? second = DatasetFolder.FindFolder(folder, "B");
        if (first is not null && second is not null)
            return InFolders(first, second, faults, others);
        faults.Add(new DatasetFault($"The folder '{folder}' has no folder '{(first is null ? "A" : "B")}'; expected A and B with images of the same names.", folder));
        return [];
    }

    private static IEnumerable<(string Name, string Image1, string Image2)> InFolders(string first, string second, List<DatasetFault> faults, List<string> others)
    {
        Dictionary<string, string> ones = ImagesIn(first, faults, others);
        Dictionary<string, string> twos = ImagesIn(second, faults, others);
        if (ones.Count == 0 && twos.Count == 0)
            faults.Add(new DatasetFault($"The folder '{first}' has no images; expected {DatasetFolder.Formats}.", first));
        foreach (string name in ones.Keys.Where(name => !twos.ContainsKey(name)))
            faults.Add(new DatasetFault($"The image '{ones[name]}' has no partner of its name in the folder '{second}'.", ones[name]));
        foreach (string name in twos.Keys.Where(name => !ones.ContainsKey(name)))
            faults.Add(new DatasetFault($"The image '{twos[name]}' has no partner of its name in the folder '{first}'.", twos[name]));
        return ones.Keys.Where(twos.ContainsKey).Select(name => (name, ones[name], twos[name]));
    }

    // The images of a folder and of those below it, by their names without extension.
    private static Dictionary<string, string> ImagesIn(string folder, List<DatasetFault> faults, List<string> others)
    {
        Dictionary<string, string> images = new(StringComparer.Ordinal);
        foreach (string file in DatasetFolder.FilesBelow(folder))
        {
            string path = DatasetFolder.FullPath(folder, file);
            if (!DatasetFolder.IsImage(file))
                others.Add(path);
            else if (!images.TryAdd(DatasetFolder.StemOf(file), path))
                faults.Add(new DatasetFault($"The folder '{folder}' has two images named '{DatasetFolder.StemOf(file)}': '{images[DatasetFolder.StemOf(file)]}' and '{path}'.", path));
        }

        return images;
    }

    private static ImagePair? Read(HeaderCheck check, string name, string image1, string image2, List<DatasetFault> faults)
    {
        int before = faults.Count;
        (string File, ImageInfo Info)[] files = [(image1, Header(image1)), (image2, Header(image2))];
        if (faults.Count > before || !HeaderCheck.CheckPartners(files, faults))
            return null;
        ImageInfo info = files[0].Info;
        return new ImagePair(name, image1, image2, info.Width, info.Height, Math.Max(info.Channels, files[1].Info.Channels));

        ImageInfo Header(string file)
        {
            try
            {
                ImageInfo found = check.Image(file);
                DatasetFolder.Require(found.Format, file);
                if (!ImageBuffer.CanHold(found.Width, found.Height, found.Channels))
                    faults.Add(new DatasetFault($"The image '{file}' is {found.Width}x{found.Height} pixels, more than can be decoded at once; expected at most {ImageBuffer.MostBytes / found.Channels / 1_000_000} million pixels.", file));
                return found;
            }
            catch (DatasetException exception)
            {
                faults.AddRange(exception.Faults);
                return default;
            }
        }
    }

    private static string KindOf(string path) => Directory.Exists(path) ? "folder" : "file";
}

/// <summary>Where pairs are looked for.</summary>
/// <param name="First">The first image, or the folder of the first images; where <paramref name="Second"/> is null, a folder with the folders A and B.</param>
/// <param name="Second">The second image, or the folder of the second images.</param>
public sealed record ImagePairSource(string First, string? Second);

/// <summary>Two images of one place.</summary>
/// <param name="Name">The first image's name without extension, from its folder, with / between folders.</param>
/// <param name="Image1">The first image's file.</param>
/// <param name="Image2">The second image's file.</param>
/// <param name="Width">Pixels in a row, of both.</param>
/// <param name="Height">Rows, of both.</param>
/// <param name="Channels">1 where both are grey, else 3.</param>
public sealed record ImagePair(string Name, string Image1, string Image2, int Width, int Height, int Channels);
