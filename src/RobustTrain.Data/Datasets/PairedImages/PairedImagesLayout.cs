using System.Text.RegularExpressions;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.PairedImages;

/// <summary>Finds the images of a split, and checks by their headers that those of a pair fit each other.</summary>
internal sealed partial class PairedImagesLayout
{
    private const string GtFolder = "gt";
    private const string LqFolder = "lq";

    private readonly PairedImagesOptions _options;
    private readonly string _root;
    private readonly Dictionary<string, ImageNames> _folders = new(StringComparer.Ordinal);

    private PairedImagesLayout(PairedImagesOptions options)
    {
        _options = options;
        _root = DatasetFolder.Open(options.Path);
    }

    /// <summary>Finds the images of a split, and what its operator should hear of the folder.</summary>
    /// <exception cref="DatasetException">A folder, a list or a partner is missing, a file is no image, or the sizes of a pair don't fit.</exception>
    public static (PairedImage[] Pairs, IReadOnlyList<DatasetWarning> Warnings) Find(PairedImagesOptions options)
    {
        PairedImagesLayout layout = new(options);
        PairFiles[] files = layout.FilesOf(options.Split, isStrict: true);
        if (files.Length == 0 && options.Split == DatasetSplit.Train)
            throw layout.NoTraining();
        using HeaderCheck check = new(options.ConvertsImages);
        List<DatasetFault> faults = [];
        PairedImage[] pairs = [.. files.Select(pair => layout.Check(pair, check, faults)).OfType<PairedImage>()];
        DatasetException.ThrowIfAny(faults);
        return (pairs, [.. layout.Unused(), .. layout.Shared(), .. check.Warnings]);
    }

    private static string NameOf(DatasetSplit split) => split.ToString().ToLowerInvariant();

    // Low-quality images are made in training where the degradation says so, and wherever there is no folder of them.
    private bool MakesLow(DatasetSplit split) => split == DatasetSplit.Train && _options.Degradation.Name != "none";

    private string? GtPath(DatasetSplit split) => Given(_options.GtFolders, split, "data.gt_folders") ?? Below(split, GtFolder);

    private string? LqPath(DatasetSplit split) =>
        Given(_options.LqFolders, split, "data.lq_folders") ?? (_options.GtFolders.ContainsKey(split) ? null : Below(split, LqFolder));

    private string? Given(IReadOnlyDictionary<DatasetSplit, string> folders, DatasetSplit split, string key)
    {
        if (!folders.TryGetValue(split, out string? folder))
            return null;
        string path = Path.GetFullPath(Path.Combine(_root, folder));
        return Directory.Exists(path)
            ? path
            : throw new DatasetException($"{key}.{NameOf(split)} is '{path}', but there is no such folder.", path);
    }

    private string? Below(DatasetSplit split, string side)
    {
        if (DatasetFolder.FindFolder(_root, NameOf(split)) is { } own && DatasetFolder.FindFolder(own, GtFolder) is not null)
            return DatasetFolder.FindFolder(own, side);
        return _options.Lists.ContainsKey(split) ? DatasetFolder.FindFolder(_root, side) : null;
    }

    private ImageNames NamesIn(string folder) => _folders.TryGetValue(folder, out ImageNames? known) ? known : _folders[folder] = new ImageNames(folder);

    // What is wrong with the split that is opened is an error; the others say only which files are used.
    private PairFiles[] FilesOf(DatasetSplit split, bool isStrict)
    {
        if (GtPath(split) is not { } gtPath)
        {
            return _options.Lists.TryGetValue(split, out string? listed) && isStrict
                ? throw new DatasetException($"The list file '{listed}' is given, but the data folder '{_root}' has no folder '{GtFolder}'.", _root)
                : [];
        }

        ImageNames gt = NamesIn(gtPath);
        ImageNames? lq = !MakesLow(split) && LqPath(split) is { } lqPath ? NamesIn(lqPath) : null;
        string[] names = _options.Lists.TryGetValue(split, out string? list) ? NamesIn(Path.Combine(_root, list), gt, isStrict) : [.. gt.Files.Keys.Order(StringComparer.Ordinal)];
        List<DatasetFault> faults = [];
        List<PairFiles> pairs = [];
        HashSet<string> partners = new(StringComparer.Ordinal);
        foreach (string name in names)
        {
            string? partner = lq is null ? null : PartnerOf(name);
            if (partner is not null && !lq!.Files.ContainsKey(partner))
                faults.Add(new DatasetFault($"The image '{gt.PathOf(name)}' has no low-quality image '{partner}' in the folder '{lq.Path}'{lq.Instead(partner)}.", gt.PathOf(name)));
            else
                pairs.Add(new PairFiles(name, gt.PathOf(name), partner is null ? null : lq!.PathOf(partner)));
            if (partner is not null)
                partners.Add(partner);
        }

        if (lq is not null && list is null)
            faults.AddRange(lq.Files.Keys.Where(name => !partners.Contains(name)).Order(StringComparer.Ordinal).Select(name => new DatasetFault($"The low-quality image '{lq.PathOf(name)}' has no ground truth in the folder '{gt.Path}'.", lq.PathOf(name))));
        if (isStrict)
            DatasetException.ThrowIfAny(faults);
        return [.. pairs];
    }

    private string PartnerOf(string name)
    {
        int slash = name.LastIndexOf('/') + 1;
        return name[..slash] + _options.FilenameTmpl.Replace("{}", name[slash..], StringComparison.Ordinal);
    }

    private static string[] NamesIn(string list, ImageNames gt, bool isStrict)
    {
        if (!isStrict && !File.Exists(list))
            return [];
        List<string> names = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        int number = 0;
        foreach (string line in DatasetFolder.ReadLines(list).Select(line => SizeAtEnd().Replace(line, "").Trim()))
        {
            number++;
            if (line.Length == 0)
                continue;
            string file = line.Replace('\\', '/');
            string? name = new[] { file, DatasetFolder.StemOf(file) }.FirstOrDefault(gt.Files.ContainsKey);
            if (isStrict && name is null)
                throw new DatasetException($"The list file '{list}' names '{line}', line {number}, but the folder '{gt.Path}' has no such image{gt.Instead(DatasetFolder.StemOf(file))}.", list);
            if (isStrict && !seen.Add(name!))
                throw new DatasetException($"The list file '{list}' names '{line}' twice, again in line {number}.", list);
            if (name is not null)
                names.Add(name);
        }

        return isStrict && names.Count == 0
            ? throw new DatasetException($"The list file '{list}' is empty; expected a file name on each line.", list)
            : [.. names];
    }

    private DatasetException NoTraining() => GtPath(DatasetSplit.Train) is { } folder
        ? new DatasetException($"The folder '{folder}' has no images; expected {DatasetFolder.Formats}.", folder)
        : new DatasetException(
            $"The data folder '{_root}' has no training images; expected the folder train/gt, or gt with a list in data.lists.train, or data.gt_folders.train{DatasetFolder.OtherReader(_root)}.", _root);

    private PairedImage? Check(PairFiles pair, HeaderCheck check, List<DatasetFault> faults)
    {
        int before = faults.Count;
        ImageInfo gt = Read(pair.Gt);
        int scale = _options.Scale;
        if (pair.Lq is { } low)
        {
            ImageInfo lq = Read(low);
            if (faults.Count > before)
                return null;
            if ((gt.Width, gt.Height) != (lq.Width * scale, lq.Height * scale))
                faults.Add(new DatasetFault($"The image '{pair.Gt}' is {gt.Width}x{gt.Height} pixels, but its low-quality image '{low}' is {lq.Width}x{lq.Height}; expected {lq.Width * scale}x{lq.Height * scale}, {scale} times as large (model.scale).", pair.Gt));
            else if (gt.Orientation != lq.Orientation && gt.StoredSize == (lq.StoredSize.Width * scale, lq.StoredSize.Height * scale))
                faults.Add(new DatasetFault($"The image '{pair.Gt}' has the EXIF orientation {gt.Orientation} and its low-quality image '{low}' {lq.Orientation}, and nothing tells whether their pixels lie on each other as they are stored or as they are shown; turn the pixels and remove the orientation.", pair.Gt));
        }

        if (faults.Count > before)
            return null;

        // Where the low-quality image is made, what does not divide by the scale is cut off on the right and below.
        (int width, int height) = (gt.Width / scale * scale, gt.Height / scale * scale);
        bool isTraining = _options.Split == DatasetSplit.Train;
        int least = (isTraining ? _options.CropSize : _options.TileSize) ?? scale;
        if (Math.Min(width, height) < least)
        {
            string what = isTraining && _options.CropSize is not null ? $"the crop of {least} (data.crop_size)" : _options.TileSize is not null && !isTraining ? $"the tile of {least} (data.tile_size)" : $"the scale of {scale}";
            faults.Add(new DatasetFault($"The image '{pair.Gt}' is {gt.Width}x{gt.Height} pixels, smaller than {what}.", pair.Gt));
            return null;
        }

        return new PairedImage(pair.Name, pair.Gt, pair.Lq, width, height);

        ImageInfo Read(string file)
        {
            try
            {
                ImageInfo info = check.Image(file);
                DatasetFolder.Require(info.Format, file);
                if (info.Channels > _options.Channels)
                    faults.Add(new DatasetFault($"The image '{file}' has 3 channels; expected grey, since model.in_channels is 1.", file));
                return info;
            }
            catch (DatasetException exception)
            {
                faults.AddRange(exception.Faults);
                return default;
            }
        }
    }

    private IReadOnlyList<DatasetWarning> Unused()
    {
        HashSet<string> used = new(StringComparer.Ordinal);
        List<string> made = [];
        foreach (DatasetSplit split in Enum.GetValues<DatasetSplit>())
        {
            used.UnionWith(TryFiles(split).SelectMany(pair => new[] { pair.Gt, pair.Lq }).OfType<string>());
            if (MakesLow(split) && TryPath(LqPath, split) is { } lq)
                made.AddRange(NamesIn(lq).Paths);
        }

        string[] all = [.. _folders.Values.SelectMany(folder => folder.Paths)];
        string[] unmade = [.. made.Where(file => !used.Contains(file))];
        return DatasetFolder.Unused(
            _root,
            (DatasetFolder.OtherFormats, _folders.Values.SelectMany(folder => folder.Unread).Select(FromRoot)),
            (("unused_images", "Images that are in no list are not used"), all.Where(file => !used.Contains(file)).Except(unmade).Select(FromRoot)),
            (("unused_low_quality", $"Low-quality images are not used, since they are made of the ground truth (data.degradation.name: {_options.Degradation.Name})"), unmade.Select(FromRoot)),
            (("stray_images", "Images beside the folders gt and lq are not used"), Strays()));
    }

    private string FromRoot(string path) => Path.GetRelativePath(_root, path).Replace(Path.DirectorySeparatorChar, '/');

    private IEnumerable<string> Strays() =>
        Enum.GetValues<DatasetSplit>().Select(split => DatasetFolder.FindFolder(_root, NameOf(split))).OfType<string>().Prepend(_root)
            .SelectMany(folder => Directory.EnumerateFiles(folder))
            .Where(file => !Path.GetFileName(file).StartsWith('.') && DatasetFolder.IsImage(file) && !_folders.Values.Any(folder => folder.Paths.Contains(file)))
            .Select(FromRoot);

    // What a network was trained on, or chosen by, says nothing of what it makes of other images.
    private IEnumerable<DatasetWarning> Shared()
    {
        (DatasetSplit First, DatasetSplit Second, string Use)[] couples =
        [
            (DatasetSplit.Train, DatasetSplit.Val, "was trained on"),
            (DatasetSplit.Train, DatasetSplit.Test, "was trained on"),
            (DatasetSplit.Val, DatasetSplit.Test, "was chosen by"),
        ];
        foreach ((DatasetSplit first, DatasetSplit second, string use) in couples)
        {
            string[] shared = [.. TryFiles(first).Select(pair => pair.Gt).Intersect(TryFiles(second).Select(pair => pair.Gt), StringComparer.Ordinal).Order(StringComparer.Ordinal)];
            if (shared.Length > 0)
                yield return new DatasetWarning("shared_pairs", $"Images of the {NameOf(second)} split are in the {NameOf(first)} split, too, so that it scores what the network {use}", shared) { Unit = "image" };
        }
    }

    // Another split's own faults are told when that is opened.
    private PairFiles[] TryFiles(DatasetSplit split)
    {
        try
        {
            return FilesOf(split, isStrict: false);
        }
        catch (DatasetException) when (split != _options.Split)
        {
            return [];
        }
    }

    private string? TryPath(Func<DatasetSplit, string?> path, DatasetSplit split)
    {
        try
        {
            return path(split);
        }
        catch (DatasetException) when (split != _options.Split)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\s+\(\s*\d+\s*,\s*\d+\s*(,\s*\d+\s*)?\)\s*$", RegexOptions.CultureInvariant)]
    private static partial Regex SizeAtEnd();

    /// <summary>The files of a pair, their headers unread.</summary>
    private sealed record PairFiles(string Name, string Gt, string? Lq);

    /// <summary>The images of a folder, and of those below it.</summary>
    private sealed class ImageNames
    {
        public ImageNames(string folder)
        {
            Path = folder;
            string[] files = DatasetFolder.FilesBelow(folder);
            Unread = [.. files.Where(file => !DatasetFolder.IsImage(file)).Select(file => DatasetFolder.FullPath(folder, file))];
            foreach (string file in files.Where(DatasetFolder.IsImage))
            {
                string stem = DatasetFolder.StemOf(file);
                if (!Files.TryAdd(stem, file))
                    throw new DatasetException($"The folder '{folder}' has two images named '{stem}': '{Files[stem]}' and '{file}'.", DatasetFolder.FullPath(folder, file));
            }

            Paths = [.. Files.Keys.Select(PathOf)];
        }

        public string Path { get; }

        /// <summary>The images by their names without extension; both from this folder.</summary>
        public Dictionary<string, string> Files { get; } = new(StringComparer.Ordinal);

        /// <summary>Their full paths.</summary>
        public HashSet<string> Paths { get; }

        /// <summary>The files of other formats, full paths.</summary>
        public IReadOnlyList<string> Unread { get; }

        public string PathOf(string name) => DatasetFolder.FullPath(Path, Files[name]);

        /// <summary>What there is in place of an image, to follow that it is not there.</summary>
        public string Instead(string name) =>
            Unread.FirstOrDefault(file => System.IO.Path.ChangeExtension(System.IO.Path.GetRelativePath(Path, file), null).Replace('\\', '/') == name) is { } other ? $", but '{other}', of another format than {DatasetFolder.Formats}" : "";
    }
}

/// <summary>An image in high and low quality.</summary>
/// <param name="Name">The ground truth's path in its folder, without extension.</param>
/// <param name="Gt">The ground truth.</param>
/// <param name="Lq">The low-quality image; null where it is made.</param>
/// <param name="Width">The ground truth's columns that are used.</param>
/// <param name="Height">Its rows.</param>
internal sealed record PairedImage(string Name, string Gt, string? Lq, int Width, int Height);
