using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.LabelledImages;

/// <summary>
/// Finds the samples of a split, each a file of one name in each of some folders. These folders lie in the dataset's folder, where a list, the
/// folder train, val or test below them or the prefix train_, val_ or test_ of a name says which split a sample is of; or they lie in each of the
/// folders train, val and test.
/// </summary>
internal sealed class LabelledImagesLayout
{
    private readonly SampleFolders _kind;
    private readonly LabelledImagesOptions _options;
    private readonly string _root;
    private readonly bool _hasFolderPerSplit;
    private readonly IReadOnlyDictionary<DatasetSplit, SideFolder> _folders;

    private LabelledImagesLayout(SampleFolders kind, LabelledImagesOptions options)
    {
        _kind = kind;
        _options = options;
        _root = DatasetFolder.Open(options.Path);
        if (SideFolder.IsOne(kind, _root))
        {
            SideFolder all = new(kind, _root, "");
            _folders = Enum.GetValues<DatasetSplit>().ToDictionary(split => split, _ => all);
            return;
        }

        _hasFolderPerSplit = true;
        _folders = Enum.GetValues<DatasetSplit>()
            .Select(split => (Split: split, Folder: DatasetFolder.FindFolder(_root, NameOf(split))))
            .Where(found => found.Folder is not null && SideFolder.IsOne(kind, found.Folder))
            .ToDictionary(found => found.Split, found => new SideFolder(kind, found.Folder!, $"{Path.GetFileName(found.Folder)}/"));
        if (_folders.Count == 0)
            throw new DatasetException($"The data folder '{_root}' has no folder '{kind.First}'; expected {kind.Listed}, or train, val and test with these {kind.Count} in each{DatasetFolder.OtherReader(_root)}.", _root);
    }

    private bool HasLists => _options.TrainList is not null || _options.ValList is not null || _options.TestList is not null;

    /// <summary>Finds the samples of a split, and what its operator should hear of the folder.</summary>
    /// <param name="kind">The folders.</param>
    /// <param name="options">Where they are, and which split.</param>
    /// <returns>Each sample with its files, one of each folder.</returns>
    /// <exception cref="DatasetException">A folder, a list or a partner is missing.</exception>
    public static ((string Name, string[] Files)[] Samples, IReadOnlyList<DatasetWarning> Warnings) Find(SampleFolders kind, LabelledImagesOptions options)
    {
        LabelledImagesLayout layout = new(kind, options);
        (string, string[])[] samples = layout.Samples();
        Dictionary<DatasetSplit, string[]> used = layout._folders.Keys.ToDictionary(split => split, split => layout.NamesOf(split, isStrict: false));
        return (samples, [.. layout.Unused(used), .. layout.Shared(used)]);
    }

    /// <summary>Checks by their headers that the images and the label of each sample fit each other, and have the channels that are wanted.</summary>
    /// <returns>The size of every sample, or null where they differ from each other.</returns>
    /// <exception cref="DatasetException">They don't; it names each file at fault.</exception>
    public static ImageSize? CheckHeaders(IReadOnlyList<ILabelledImages> samples, int channels, int? crop, HeaderCheck check)
    {
        List<DatasetFault> faults = [];
        ImageSize? common = null;
        bool differ = false;
        foreach (ILabelledImages sample in samples)
        {
            if (check.Read(sample, faults) is not { } files || !HeaderCheck.CheckPartners(files, faults))
                continue;
            ImageInfo first = files[0].Info;
            foreach ((string file, ImageInfo info) in files.SkipLast(1))
            {
                if (info.Channels > channels)
                    faults.Add(new DatasetFault($"The image '{file}' has 3 channels, but mean and std have {channels} value; expected 3.", file));
                DatasetFolder.Require(info.Format, file);
            }

            DatasetFolder.Require(files[^1].Info.Format, sample.Label);
            if (crop > Math.Min(first.Width, first.Height))
                faults.Add(new DatasetFault($"The image '{files[0].File}' is {first.Width}x{first.Height} pixels, smaller than the crop of {crop}.", files[0].File));
            common ??= (first.Width, first.Height);
            differ |= common != (first.Width, first.Height);
        }

        DatasetException.ThrowIfAny(faults);
        return differ ? null : common;
    }

    private static string NameOf(DatasetSplit split) => split.ToString().ToLowerInvariant();

    private (string Name, string[] Files)[] Samples()
    {
        DatasetSplit split = _options.Split;
        string[] names = NamesOf(split, isStrict: true);
        if (names.Length == 0 && split == DatasetSplit.Train)
            throw NoTraining();
        if (names.Length == 0)
            return [];
        SideFolder folder = _folders[split];
        DatasetException.ThrowIfAny([.. names.SelectMany(folder.MissingOf)]);
        return [.. names.Select(name => (name, folder.FilesOf(name)))];
    }

    // The list of the split that is opened is read strictly: what is wrong with it is an error. Those of the others say only which files are used.
    private string[] NamesOf(DatasetSplit split, bool isStrict)
    {
        IReadOnlyList<string>? lists = split switch
        {
            DatasetSplit.Train => _options.TrainList is { } list ? [list] : null,
            DatasetSplit.Val => _options.ValLists ?? (_options.ValList is { } list ? [list] : null),
            _ => _options.TestList is { } list ? [list] : null,
        };
        if (lists is not null)
            return NamesIn(lists, split, isStrict);
        if (HasLists)
        {
            return split == DatasetSplit.Train && isStrict
                ? throw new DatasetException($"There are list files, but none for the training split; expected a list of training {_kind.Units}.", _root)
                : [];
        }

        if (!_folders.TryGetValue(split, out SideFolder? folder))
            return [];
        return _hasFolderPerSplit ? folder.Names : [.. folder.Names.Where(name => SplitOf(name) == split)];
    }

    private static DatasetSplit? SplitOf(string name)
    {
        string[] parts = name.Split('/');
        foreach (DatasetSplit split in Enum.GetValues<DatasetSplit>())
        {
            if (parts.Length > 1 && parts[0].Equals(NameOf(split), StringComparison.OrdinalIgnoreCase))
                return split;
        }

        foreach (DatasetSplit split in Enum.GetValues<DatasetSplit>())
        {
            if (parts[^1].StartsWith($"{NameOf(split)}_", StringComparison.OrdinalIgnoreCase))
                return split;
        }

        return null;
    }

    private string[] NamesIn(IReadOnlyList<string> lists, DatasetSplit split, bool isStrict)
    {
        List<string> names = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string list in lists)
        {
            string path = Path.Combine(_root, list);
            if (!isStrict && !File.Exists(path))
                continue;
            if (!_folders.TryGetValue(split, out SideFolder? folder))
                throw new DatasetException($"The list file '{path}' is given, but the data folder '{_root}' has no folder '{NameOf(split)}'.", path);
            int number = 0;
            int before = names.Count;
            foreach (string line in DatasetFolder.ReadLines(path).Select(line => line.Trim()))
            {
                number++;
                if (line.Length == 0)
                    continue;
                string? name = folder.Find(line, out string problem);
                if (isStrict && name is null)
                    throw new DatasetException($"The list file '{path}' names '{line}', line {number}, but {problem}.", path);
                if (isStrict && !seen.Add(name!))
                    throw new DatasetException($"The list file '{path}' names '{line}' twice, again in line {number}.", path);
                if (name is not null)
                    names.Add(name);
            }

            if (isStrict && names.Count == before && split == DatasetSplit.Train)
                throw new DatasetException($"The list file '{path}' is empty; expected a file name on each line.", path);
        }

        return [.. names];
    }

    private DatasetException NoTraining() => new(
        _hasFolderPerSplit
            ? $"The data folder '{_root}' has no training {_kind.Units}: there is no image in 'train/{_kind.First}'."
            : $"The data folder '{_root}' has no training {_kind.Units}: no file in '{_kind.First}' begins with 'train_' or lies in a folder 'train'; give list files, or name the files train_, val_ and test_.",
        _root);

    private IReadOnlyList<DatasetWarning> Unused(IReadOnlyDictionary<DatasetSplit, string[]> names)
    {
        Dictionary<SideFolder, HashSet<string>> used = _folders.Values.Distinct().ToDictionary(folder => folder, _ => new HashSet<string>(StringComparer.Ordinal));
        foreach ((DatasetSplit split, SideFolder folder) in _folders)
            used[folder].UnionWith(names[split]);
        string reason = HasLists ? "that are in no list" : _options.ValLists is not null ? "that are in no list and no split" : "whose names begin with none of train_, val_ and test_";
        return DatasetFolder.Unused(
            _root,
            (DatasetFolder.OtherFormats, used.Keys.SelectMany(folder => folder.Unread)),
            (("unused_images", $"Images {reason} are not used"), used.SelectMany(folder => folder.Key.FilesBut(folder.Value))),
            (("stray_images", $"Images beside the folders {_kind.Listed} are not used"), Strays()));
    }

    // What a network was trained on, or chosen by, says nothing of what it makes of others.
    private IEnumerable<DatasetWarning> Shared(IReadOnlyDictionary<DatasetSplit, string[]> names)
    {
        (DatasetSplit First, DatasetSplit Second, string Use)[] couples =
        [
            (DatasetSplit.Train, DatasetSplit.Val, "was trained on"),
            (DatasetSplit.Train, DatasetSplit.Test, "was trained on"),
            (DatasetSplit.Val, DatasetSplit.Test, "was chosen by"),
        ];
        foreach ((DatasetSplit first, DatasetSplit second, string use) in couples)
        {
            if (!_folders.TryGetValue(first, out SideFolder? folder) || !_folders.TryGetValue(second, out SideFolder? other) || folder != other)
                continue;
            string[] shared = [.. names[first].Intersect(names[second], StringComparer.Ordinal).Order(StringComparer.Ordinal)];
            if (shared.Length > 0)
            {
                yield return new DatasetWarning(
                    $"shared_{_kind.Units}", $"{_kind.CapitalUnits} of the {NameOf(second)} split are in the {NameOf(first)} split, too, so that it scores what the network {use}", [.. shared]) { Unit = _kind.Unit };
            }
        }
    }

    private IEnumerable<string> Strays() =>
        _folders.Values.Distinct().Where(folder => folder.Prefix.Length > 0).SelectMany(folder => StraysIn(folder.Path, folder.Prefix)).Concat(StraysIn(_root, ""));

    // Images in the folder itself, and what lies in another folder of samples, as one named valid. Any other folder is no business of ours: it may not
    // even be readable, as a disk's lost+found.
    private IEnumerable<string> StraysIn(string path, string prefix)
    {
        string[] taken = [.. _folders.Values.SelectMany(folder => folder.Paths)];
        IEnumerable<string> images = Directory.EnumerateFiles(path).Select(file => Path.GetFileName(file)).Where(file => !file.StartsWith('.') && DatasetFolder.IsImage(file));
        IEnumerable<string> others = Directory.EnumerateDirectories(path)
            .Where(folder => !taken.Contains(folder) && !Path.GetFileName(folder).StartsWith('.') && (_kind.Sides.Any(side => Directory.Exists(Path.Combine(folder, side))) || _kind.Sides.Contains(Path.GetFileName(folder), StringComparer.OrdinalIgnoreCase)))
            .SelectMany(folder => DatasetFolder.FilesBelow(folder).Where(DatasetFolder.IsImage).Select(file => $"{Path.GetFileName(folder)}/{file}"));
        return images.Concat(others).Select(file => prefix + file);
    }

    /// <summary>A folder with the folders of the samples' files.</summary>
    private sealed class SideFolder
    {
        private readonly SampleFolders _kind;
        private readonly Side[] _all;
        private readonly Dictionary<string, string> _byFile;
        private readonly ILookup<string, string> _byEnd;

        /// <param name="kind">The folders in it.</param>
        /// <param name="path">The folder.</param>
        /// <param name="prefix">Its path from the dataset's folder, with / at its end; empty where it is that.</param>
        public SideFolder(SampleFolders kind, string path, string prefix)
        {
            _kind = kind;
            Path = path;
            Prefix = prefix;
            _all = [.. kind.Sides.Select(side => new Side(kind, path, side))];
            Names = [.. _all.SelectMany(side => side.Files.Keys).Distinct().Order(StringComparer.Ordinal)];
            _byFile = _all[0].Files.ToDictionary(file => file.Value, file => file.Key, StringComparer.Ordinal);
            _byEnd = _all[0].Files
                .SelectMany(file => EndsOf(file.Key).Concat(EndsOf(file.Value)).Distinct(), (file, end) => (end, file.Key))
                .ToLookup(found => found.end, found => found.Key, StringComparer.Ordinal);
        }

        public string Path { get; }

        public string Prefix { get; }

        /// <summary>The names of all samples: a file in any of the folders counts, so that a missing partner is found from either side.</summary>
        public string[] Names { get; }

        /// <summary>This folder and those in it.</summary>
        public IEnumerable<string> Paths => _all.Select(side => side.Path).Append(Path);

        /// <summary>The files of formats that can't be read, from the dataset's folder.</summary>
        public IEnumerable<string> Unread => _all.SelectMany(side => side.Unread.Select(file => $"{Prefix}{side.Name}/{file}"));

        /// <summary>Whether a folder has one of the samples' folders.</summary>
        public static bool IsOne(SampleFolders kind, string path) => kind.Sides.Any(side => DatasetFolder.FindFolder(path, side) is not null);

        /// <summary>The images of all samples but some, from the dataset's folder.</summary>
        public IEnumerable<string> FilesBut(IReadOnlySet<string> names) =>
            _all.SelectMany(side => side.Files.Where(file => !names.Contains(file.Key)).Select(file => $"{Prefix}{side.Name}/{file.Value}"));

        /// <summary>The files of a sample, one of each folder.</summary>
        public string[] FilesOf(string name) => [.. _all.Select(side => side.PathOf(name))];

        /// <summary>The images that a sample lacks.</summary>
        public IEnumerable<DatasetFault> MissingOf(string name) => _all
            .Where(side => !side.Files.ContainsKey(name))
            .Select(side => new DatasetFault($"The {_kind.Unit} '{name}' has no {(_kind.Unit == "pair" ? "image" : "file")} in the folder '{side.Path}'{side.Instead(name)}; expected it in {_kind.Listed}.", System.IO.Path.Combine(side.Path, name)));

        /// <summary>
        /// The sample that a line of a list means: the longest end of it that names one, by the image's file name or by that without its extension,
        /// with the folders below the first folder or without.
        /// </summary>
        /// <param name="line">The line.</param>
        /// <param name="problem">Why there is none.</param>
        public string? Find(string line, out string problem)
        {
            problem = "";
            string text = line.Replace('\\', '/');
            foreach (string end in EndsOf(text).Prepend(text))
            {
                if (_byFile.TryGetValue(end, out string? named))
                    return named;
                string stem = DatasetFolder.StemOf(end);
                if (_all[0].Files.ContainsKey(end))
                    return end;
                if (_all[0].Files.ContainsKey(stem))
                    return stem;
                string[] inner = _byEnd[end].Any() ? [.. _byEnd[end]] : [.. _byEnd[stem]];
                if (inner.Length == 1)
                    return inner[0];
                if (inner.Length > 1)
                {
                    problem = $"the folder '{_kind.First}' has it {inner.Length} times, as '{inner[0]}' and '{inner[1]}'; expected it with its folder";
                    return null;
                }
            }

            problem = $"the folder '{_kind.First}' has no such image{_all[0].Instead(DatasetFolder.StemOf(text))}";
            return null;
        }

        // The ends of a path that begin at a folder's end.
        private static IEnumerable<string> EndsOf(string path)
        {
            for (int slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1))
                yield return path[(slash + 1)..];
        }
    }

    /// <summary>One of the folders.</summary>
    private sealed class Side
    {
        public Side(SampleFolders kind, string root, string name)
        {
            Path = DatasetFolder.FindFolder(root, name)
                ?? throw new DatasetException($"The data folder '{root}' has no folder '{name}'; expected {kind.Listed}.", root);
            Name = System.IO.Path.GetFileName(Path);
            string[] files = DatasetFolder.FilesBelow(Path);
            Unread = [.. files.Where(file => !DatasetFolder.IsImage(file))];
            foreach (string file in files.Where(DatasetFolder.IsImage))
            {
                string stem = DatasetFolder.StemOf(file);
                if (!Files.TryAdd(stem, file))
                    throw new DatasetException($"The folder '{Path}' has two images named '{stem}': '{Files[stem]}' and '{file}'.", System.IO.Path.Combine(Path, file));
            }
        }

        public string Path { get; }

        public string Name { get; }

        /// <summary>The images by their names without extension; both from this folder.</summary>
        public Dictionary<string, string> Files { get; } = new(StringComparer.Ordinal);

        /// <summary>The files of other formats, from this folder.</summary>
        public IReadOnlyList<string> Unread { get; }

        public string PathOf(string name) => DatasetFolder.FullPath(Path, Files[name]);

        /// <summary>What there is in place of an image, to follow that it is not there.</summary>
        public string Instead(string name) =>
            Unread.FirstOrDefault(file => System.IO.Path.ChangeExtension(file, null) == name || file == name) is { } other ? $", but '{other}', of another format than {DatasetFolder.Formats}" : "";
    }
}

/// <summary>The folders that each have a file of every sample; the last has the labels.</summary>
/// <param name="Unit">What people call a sample.</param>
/// <param name="Sides">The folders' names.</param>
internal sealed record SampleFolders(string Unit, params IReadOnlyList<string> Sides)
{
    /// <summary>The folder whose files a list names.</summary>
    public string First => Sides[0];

    /// <summary>All of them, for people.</summary>
    public string Listed => $"{string.Join(", ", Sides.SkipLast(1))} and {Sides[^1]}";

    /// <summary>How many there are, for people.</summary>
    public string Count => Sides.Count switch { 2 => "two", 3 => "three", _ => throw new InvalidOperationException($"{Sides.Count} folders have no word.") };

    /// <summary>Several samples.</summary>
    public string Units => $"{Unit}s";

    /// <summary>The same at a sentence's beginning.</summary>
    public string CapitalUnits => char.ToUpperInvariant(Unit[0]) + Units[1..];
}
