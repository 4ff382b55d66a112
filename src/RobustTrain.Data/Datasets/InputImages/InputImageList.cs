using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.InputImages;

/// <summary>What a network is used on, without labels: single images, or pairs of one place, named one by one or by folders.</summary>
public sealed class InputImageList
{
    private InputImageList(IReadOnlyList<InputImages> inputs, IReadOnlyList<DatasetWarning> warnings)
    {
        Inputs = inputs;
        Warnings = warnings;
    }

    /// <summary>The inputs, in the order of their sources, and of their names within folders.</summary>
    public IReadOnlyList<InputImages> Inputs { get; }

    /// <summary>What is done with some of the files that the operator should know of.</summary>
    public IReadOnlyList<DatasetWarning> Warnings { get; }

    /// <summary>Finds pairs and reads the headers of their files.</summary>
    /// <param name="sources">Where to look.</param>
    /// <param name="convertsImages">Whether images that are not upright 8-bit grey or RGB are converted; if not, they are refused.</param>
    /// <exception cref="DatasetException">A partner or a folder is missing, an image can't be read or is too large, or the sizes of a pair differ; with all such faults.</exception>
    public static InputImageList OpenPairs(IEnumerable<InputSource> sources, bool convertsImages) => Open(sources, FindPairs, convertsImages);

    /// <summary>Finds single images and reads their headers.</summary>
    /// <param name="sources">Where to look: an image, or a folder of images and of folders with more of them.</param>
    /// <param name="convertsImages">Whether images that are not upright 8-bit grey or RGB are converted; if not, they are refused.</param>
    /// <exception cref="DatasetException">A file or a folder is missing, or an image can't be read or is too large; with all such faults.</exception>
    public static InputImageList OpenSingle(IEnumerable<InputSource> sources, bool convertsImages) => Open(sources, FindSingle, convertsImages);

    private static InputImageList Open(IEnumerable<InputSource> sources, Func<InputSource, List<DatasetFault>, List<string>, IEnumerable<(string Name, string[] Files)>> find, bool convertsImages)
    {
        using HeaderCheck check = new(convertsImages);
        List<DatasetFault> faults = [];
        List<InputImages> inputs = [];
        List<string> others = [];
        foreach ((string name, string[] files) in sources.SelectMany(source => find(source, faults, others)))
        {
            if (Read(check, name, files, faults) is { } input)
                inputs.Add(input);
        }

        DatasetException.ThrowIfAny(faults);
        IEnumerable<DatasetWarning> unused = others.Count == 0 ? [] : [new DatasetWarning(DatasetFolder.OtherFormats.Kind, DatasetFolder.OtherFormats.Text, others)];
        return new InputImageList(inputs, [.. check.Warnings, .. unused]);
    }

    private static IEnumerable<(string Name, string[] Files)> FindSingle(InputSource source, List<DatasetFault> faults, List<string> others)
    {
        string path = Path.GetFullPath(source.First);
        if (File.Exists(path))
            return [(DatasetFolder.StemOf(Path.GetFileName(path)), [path])];
        if (!Directory.Exists(path))
        {
            faults.Add(new DatasetFault($"There is no image or folder '{path}'.", path));
            return [];
        }

        string[] files = DatasetFolder.FilesBelow(path);
        string[] images = [.. files.Where(DatasetFolder.IsImage)];
        others.AddRange(files.Where(file => !DatasetFolder.IsImage(file)).Select(file => DatasetFolder.FullPath(path, file)));
        if (images.Length == 0)
            faults.Add(new DatasetFault($"The folder '{path}' has no images; expected {DatasetFolder.Formats}.", path));
        return images.Select(file => (DatasetFolder.StemOf(file), new[] { DatasetFolder.FullPath(path, file) }));
    }

    private static IEnumerable<(string Name, string[] Files)> FindPairs(InputSource source, List<DatasetFault> faults, List<string> others)
    {
        string first = Path.GetFullPath(source.First);
        if (source.Second is null)
            return InFolder(first, faults, others);
        string second = Path.GetFullPath(source.Second);
        if (File.Exists(first) && File.Exists(second))
            return [(DatasetFolder.StemOf(Path.GetFileName(first)), [first, second])];
        if (Directory.Exists(first) && Directory.Exists(second))
            return InFolders(first, second, faults, others);
        foreach (string missing in new[] { first, second }.Where(path => !Path.Exists(path)))
            faults.Add(new DatasetFault($"There is no image or folder '{missing}'.", missing));
        if (Path.Exists(first) && Path.Exists(second))
            faults.Add(new DatasetFault($"'{first}' is a {KindOf(first)}, but its partner '{second}' is a {KindOf(second)}; expected two images or two folders.", first));
        return [];
    }

    private static IEnumerable<(string Name, string[] Files)> InFolder(string folder, List<DatasetFault> faults, List<string> others)
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

    private static IEnumerable<(string Name, string[] Files)> InFolders(string first, string second, List<DatasetFault> faults, List<string> others)
    {
        Dictionary<string, string> ones = ImagesIn(first, faults, others);
        Dictionary<string, string> twos = ImagesIn(second, faults, others);
        if (ones.Count == 0 && twos.Count == 0)
            faults.Add(new DatasetFault($"The folder '{first}' has no images; expected {DatasetFolder.Formats}.", first));
        foreach (string name in ones.Keys.Where(name => !twos.ContainsKey(name)))
            faults.Add(new DatasetFault($"The image '{ones[name]}' has no partner of its name in the folder '{second}'.", ones[name]));
        foreach (string name in twos.Keys.Where(name => !ones.ContainsKey(name)))
            faults.Add(new DatasetFault($"The image '{twos[name]}' has no partner of its name in the folder '{first}'.", twos[name]));
        return ones.Keys.Where(twos.ContainsKey).Select(name => (name, new[] { ones[name], twos[name] }));
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

    private static InputImages? Read(HeaderCheck check, string name, string[] files, List<DatasetFault> faults)
    {
        int before = faults.Count;
        (string File, ImageInfo Info)[] read = [.. files.Select(file => (file, Header(file)))];
        if (faults.Count > before || !HeaderCheck.CheckPartners(read, faults))
            return null;
        ImageInfo info = read[0].Info;
        return new InputImages(name, files, info.Width, info.Height, read.Max(file => file.Info.Channels));

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

/// <summary>Where images are looked for.</summary>
/// <param name="First">
/// A single image or a folder of images; of pairs the first image, or the folder of the first images, or, where <paramref name="Second"/> is null, a
/// folder with the folders A and B.
/// </param>
/// <param name="Second">The second image, or the folder of the second images; null where there is none.</param>
public sealed record InputSource(string First, string? Second);

/// <summary>What a network takes at once: one image, or two of one place.</summary>
/// <param name="Name">The first image's name without extension, from its folder, with / between folders.</param>
/// <param name="Files">The images.</param>
/// <param name="Width">Pixels in a row, of each.</param>
/// <param name="Height">Rows, of each.</param>
/// <param name="Channels">1 where all are grey, else 3.</param>
public sealed record InputImages(string Name, IReadOnlyList<string> Files, int Width, int Height, int Channels);
