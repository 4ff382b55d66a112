using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RobustTrain.Platform;

namespace RobustTrain.Data.Datasets.ImageFolders;

/// <summary>
/// Finds the images of classes, each class a folder: below the folders train, val and test, or below the dataset's folder itself. A split without
/// a folder takes its images from the training split, a share of each class.
/// </summary>
public sealed class ImageFoldersLayout
{
    private readonly ImageFoldersOptions _options;
    private readonly string _root;
    private readonly Dictionary<DatasetSplit, string> _folders = [];
    private readonly bool _hasFolderPerSplit;

    private ImageFoldersLayout(ImageFoldersOptions options)
    {
        _options = options;
        _root = DatasetFolder.Open(options.Path);
        foreach (DatasetSplit split in Enum.GetValues<DatasetSplit>())
        {
            if (DatasetFolder.FindFolder(_root, NameOf(split)) is { } folder)
                _folders.Add(split, folder);
        }

        _hasFolderPerSplit = _folders.Count > 0;
        if (_hasFolderPerSplit && !_folders.ContainsKey(DatasetSplit.Train))
            throw new DatasetException($"The data folder '{_root}' has a folder '{Path.GetFileName(_folders.First().Value)}', but no folder 'train'; expected train, or a folder for each class and none of train, val and test.", _root);
        if (!_hasFolderPerSplit)
            _folders.Add(DatasetSplit.Train, _root);
        ClassNames = options.ClassNames ?? DatasetFolder.FoldersIn(_folders[DatasetSplit.Train]);
        if (ClassNames.Count < 2)
        {
            throw new DatasetException(
                $"The folder '{_folders[DatasetSplit.Train]}' has {Counted.Of(ClassNames.Count, "folder")}{(ClassNames.Count == 1 ? $", '{ClassNames[0]}'" : "")}; expected a folder for each of at least two classes{DatasetFolder.OtherReader(_root)}.", _root);
        }
    }

    /// <summary>The classes' names, in the order of their numbers.</summary>
    private IReadOnlyList<string> ClassNames { get; }

    /// <summary>The names of the classes in a folder, in ordinal order.</summary>
    /// <exception cref="DatasetException">It is not there, or holds no two classes.</exception>
    public static IReadOnlyList<string> ClassNamesIn(string path) =>
        new ImageFoldersLayout(new ImageFoldersOptions { Path = path, Split = DatasetSplit.Train }).ClassNames;

    /// <summary>Finds the images of a split, and what its operator should hear of the folder.</summary>
    /// <exception cref="DatasetException">The folders are not those of the classes, or a class has no image to train on.</exception>
    internal static (IReadOnlyList<string> ClassNames, ClassImage[] Images, IReadOnlyList<DatasetWarning> Warnings) Find(ImageFoldersOptions options)
    {
        ImageFoldersLayout layout = new(options);
        Dictionary<DatasetSplit, List<ClassImage>> splits = layout._folders.Keys.ToDictionary(split => split, layout.ImagesIn);
        List<DatasetWarning> warnings = [.. layout.Unused()];
        layout.TakeFromTraining(splits, warnings);
        if (options.Split == DatasetSplit.Train)
            layout.CheckClasses(splits[DatasetSplit.Train]);
        return (layout.ClassNames, [.. splits[options.Split]], warnings);
    }

    private static string NameOf(DatasetSplit split) => split.ToString().ToLowerInvariant();

    private List<ClassImage> ImagesIn(DatasetSplit split)
    {
        string folder = _folders[split];
        string[] found = DatasetFolder.FoldersIn(folder);
        if (found.FirstOrDefault(name => !ClassNames.Contains(name)) is { } other)
        {
            string hint = NearestName.Of(other, ClassNames) is { } nearest ? $"; did you mean '{nearest}'?" : $"; the classes are {Listed()}.";
            throw new DatasetException($"The folder '{Path.Combine(folder, other)}' is none of the {ClassNames.Count} classes{hint}", Path.Combine(folder, other));
        }

        return
        [
            .. found.SelectMany(name => DatasetFolder.FilesBelow(Path.Combine(folder, name)).Where(DatasetFolder.IsImage)
                .Select(file => new ClassImage($"{name}/{file}", DatasetFolder.FullPath(Path.Combine(folder, name), file), ClassNames.ToList().IndexOf(name)))),
        ];
    }

    private string Listed() => ClassNames.Count <= 10 ? string.Join(", ", ClassNames) : $"{string.Join(", ", ClassNames.Take(10))} and {ClassNames.Count - 10} more";

    // Each file's place in its class depends on the seed and its own name alone.
    private void TakeFromTraining(Dictionary<DatasetSplit, List<ClassImage>> splits, List<DatasetWarning> warnings)
    {
        (DatasetSplit Split, double Share, string Key, string Use)[] made =
            [(DatasetSplit.Test, _options.TestShare, "data.test_share", "are tested on"), (DatasetSplit.Val, _options.ValShare, "data.val_share", "validate")];
        foreach ((DatasetSplit split, double share, string key, string use) in made.Where(part => !_folders.ContainsKey(part.Split)))
        {
            HashSet<ClassImage> taken =
            [
                .. splits[DatasetSplit.Train].GroupBy(image => image.Class).SelectMany(
                    images => images.OrderBy(image => Place(image.Name), StringComparer.Ordinal).Take(CountOf(images.Count(), share))),
            ];
            splits[split] = [.. splits[DatasetSplit.Train].Where(taken.Contains)];
            splits[DatasetSplit.Train] = [.. splits[DatasetSplit.Train].Where(image => !taken.Contains(image))];
            warnings.Add(new DatasetWarning(
                $"{NameOf(split)}_split_made",
                string.Create(CultureInfo.InvariantCulture, $"There is no folder '{NameOf(split)}', so that a share of {share} of each class's training images, chosen by data.split_seed, {use} in its place ({key})"),
                [.. splits[split].Select(image => image.File)]) { Unit = "image" });
        }
    }

    // At least one, where one is left to train on.
    private static int CountOf(int images, double share) => Math.Min(Math.Max(1, (int)Math.Round(images * share)), images - 1);

    private string Place(string name) =>
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_options.SplitSeed}/{name}"))));

    private void CheckClasses(List<ClassImage> images)
    {
        HashSet<int> known = [.. images.Select(image => image.Class)];
        DatasetException.ThrowIfAny(
        [
            .. ClassNames.Where((_, number) => !known.Contains(number)).Select(name => Path.Combine(_folders[DatasetSplit.Train], name))
                .Select(folder => new DatasetFault($"The class '{Path.GetFileName(folder)}' has no image to train on: {(Directory.Exists(folder) ? "none is in" : "there is no folder")} '{folder}'; expected {DatasetFolder.Formats} files.", folder)),
        ]);
    }

    private IReadOnlyList<DatasetWarning> Unused()
    {
        IEnumerable<string> unread = _folders.Values.SelectMany(folder => DatasetFolder.FoldersIn(folder).SelectMany(name =>
            DatasetFolder.FilesBelow(Path.Combine(folder, name)).Where(file => !DatasetFolder.IsImage(file)).Select(file => Path.Combine(Path.GetRelativePath(_root, folder), name, file))));
        IEnumerable<string> beside = _folders.Values.Append(_root).Distinct()
            .SelectMany(folder => Directory.EnumerateFiles(folder).Where(file => !Path.GetFileName(file).StartsWith('.') && DatasetFolder.IsImage(file)))
            .Select(file => Path.GetRelativePath(_root, file));

        // As one named valid, which has the classes' folders and is no split.
        IEnumerable<string> other = !_hasFolderPerSplit ? [] : DatasetFolder.FoldersIn(_root).Select(name => Path.Combine(_root, name))
            .Where(folder => !_folders.ContainsValue(folder) && ClassNames.Any(name => Directory.Exists(Path.Combine(folder, name))))
            .SelectMany(folder => DatasetFolder.FilesBelow(folder).Where(DatasetFolder.IsImage).Select(file => Path.Combine(Path.GetFileName(folder), file)));
        return DatasetFolder.Unused(_root, (DatasetFolder.OtherFormats, unread), (("stray_images", "Images beside the folders of the classes are not used"), beside.Concat(other)));
    }
}

/// <summary>An image of a class.</summary>
/// <param name="Name">Its path from its split's folder, with / between folders.</param>
/// <param name="File">Its full path.</param>
/// <param name="Class">The class's number.</param>
public sealed record ClassImage(string Name, string File, int Class);
