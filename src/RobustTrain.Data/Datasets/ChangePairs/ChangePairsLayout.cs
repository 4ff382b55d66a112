using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.ChangePairs;

/// <summary>
/// Finds the pairs of a split. The folders A, B and label lie in the dataset's folder, where a list, the folder train, val or test below them or
/// the prefix train_, val_ or test_ of a name says which split a pair is of; or they lie in each of the folders train, val and test.
/// </summary>
internal sealed class ChangePairsLayout
{
    private static readonly string[] s_sides = ["A", "B", "label"];

    private readonly ChangePairsOptions _options;
    private readonly string _root;
    private readonly bool _hasFolderPerSplit;
    private readonly IReadOnlyDictionary<DatasetSplit, PairFolder> _folders;

    private ChangePairsLayout(ChangePairsOptions options)
    {
        _options = options;
        _root = DatasetFolder.Open(options.Path);
        if (PairFolder.IsOne(_root))
        {
            PairFolder all = new(_root, "");
            _folders = Enum.GetValues<DatasetSplit>().ToDictionary(split => split, _ => all);
            return;
        }

        _hasFolderPerSplit = true;
        _folders = Enum.GetValues<DatasetSplit>()
            .Select(split => (Split: split, Folder: DatasetFolder.FindFolder(_root, NameOf(split))))
            .Where(found => found.Folder is not null && PairFolder.IsOne(found.Folder))
            .ToDictionary(found => found.Split, found => new PairFolder(found.Folder!, $"{Path.GetFileName(found.Folder)}/"));
        if (_folders.Count == 0)
            throw new DatasetException($"The data folder '{_root}' has no folder 'A'; expected A, B and label, or train, val and test with these three in each{DatasetFolder.OtherReader(_root)}.", _root);
    }

    private bool HasLists => _options.TrainList is not null || _options.ValList is not null || _options.TestList is not null;

    /// <summary>Finds the pairs of a split, and what its operator should hear of the folder.</summary>
    /// <exception cref="DatasetException">A folder, a list or a partner is missing.</exception>
    public static (ChangePair[] Pairs, IReadOnlyList<DatasetWarning> Warnings) Find(ChangePairsOptions options)
    {
        ChangePairsLayout layout = new(options);
        ChangePair[] pairs = layout.Pairs();
        Dictionary<DatasetSplit, string[]> used = layout._folders.Keys.ToDictionary(split => split, split => layout.NamesOf(split, isStrict: false));
        return (pairs, [.. layout.Unused(used), .. layout.Shared(used)]);
    }

    /// <summary>Checks by their headers that the images of each pair fit each other, and have the channels that are wanted.</summary>
    /// <returns>The size of every pair, or null where they differ from each other.</returns>
    /// <exception cref="DatasetException">They don't; it names each file at fault.</exception>
    public static ImageSize? CheckHeaders(ChangePair[] pairs, int channels, int? crop, HeaderCheck check)
    {
        List<DatasetFault> faults = [];
        ImageSize? common = null;
        bool differ = false;
        foreach (ChangePair pair in pairs)
        {
            if (check.Read(pair, faults) is not { } files || !HeaderCheck.CheckPartners(files, faults))
                continue;
            ImageInfo first = files[0].Info;
            foreach ((string file, ImageInfo info) in files.Take(2))
            {
                if (info.Channels > channels)
                    faults.Add(new DatasetFault($"The image '{file}' has 3 channels, but mean and std have {channels} value; expected 3.", file));
                DatasetFolder.Require(info.Format, file);
            }

            DatasetFolder.Require(files[2].Info.Format, pair.Label);
            if (crop > Math.Min(first.Width, first.Height))
                faults.Add(new DatasetFault($"The image '{pair.Image1}' is {first.Width}x{first.Height} pixels, smaller than the crop of {crop}.", pair.Image1));
            common ??= (first.Width, first.Height);
            differ |= common != (first.Width, first.Height);
        }

        DatasetException.ThrowIfAny(faults);
        return differ ? null : common;
    }

    private static string NameOf(DatasetSplit split) => split.ToString().ToLowerInvariant();

    private ChangePair[] Pairs()
    {
        DatasetSplit split = _options.Split;
        string[] names = NamesOf(split, isStrict: true);
        if (names.Length == 0 && split == DatasetSplit.Train)
            throw NoTraining();
        if (names.Length == 0)
            return [];
        PairFolder folder = _folders[split];
        DatasetException.ThrowIfAny([.. names.SelectMany(folder.MissingOf)]);
        return [.. names.Select(folder.PairOf)];
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
                ? throw new DatasetException("There are list files, but none for the training split; expected a list of training pairs.", _root)
                : [];
        }

        if (!_folders.TryGetValue(split, out PairFolder? folder))
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
            if (!_folders.TryGetValue(split, out PairFolder? folder))
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
            ? $"The data folder '{_root}' has no training pairs: there is no image in 'train/A'."
            : $"The data folder '{_root}' has no training pairs: no file in 'A' begins with 'train_' or lies in a folder 'train'; give list files, or name the files train_, val_ and test_.",
        _root);

    private IReadOnlyList<DatasetWarning> Unused(IReadOnlyDictionary<DatasetSplit, string[]> names)
    {
        Dictionary<PairFolder, HashSet<string>> used = _folders.Values.Distinct().ToDictionary(folder => folder, _ => new HashSet<string>(StringComparer.Ordinal));
        foreach ((DatasetSplit split, PairFolder folder) in _folders)
            used[folder].UnionWith(names[split]);
        string reason = HasLists ? "that are in no list" : _options.ValLists is not null ? "that are in no list and no split" : "whose names begin with none of train_, val_ and test_";
        return DatasetFolder.Unused(
            _root,
            (DatasetFolder.OtherFormats, used.Keys.SelectMany(folder => folder.Unread)),
            (("unused_images", $"Images {reason} are not used"), used.SelectMany(folder => folder.Key.FilesBut(folder.Value))),
            (("stray_images", "Images beside the folders A, B and label are not used"), Strays()));
    }

    // What a network was trained on, or chosen by, says nothing of what it makes of other pairs.
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
            if (!_folders.TryGetValue(first, out PairFolder? folder) || !_folders.TryGetValue(second, out PairFolder? other) || folder != other)
                continue;
            string[] shared = [.. names[first].Intersect(names[second], StringComparer.Ordinal).Order(StringComparer.Ordinal)];
            if (shared.Length > 0)
            {
                yield return new DatasetWarning(
                    "shared_pairs", $"Pairs of the {NameOf(second)} split are in the {NameOf(first)} split, too, so that it scores what the network {use}", [.. shared]) { Unit = "pair" };
            }
        }
    }

    private IEnumerable<string> Strays() =>
        _folders.Values.Distinct().Where(folder => folder.Prefix.Length > 0).SelectMany(folder => StraysIn(folder.Path, folder.Prefix)).Concat(StraysIn(_root, ""));

    // Images in the folder itself, and what lies in another folder of pairs, as one named valid. Any other folder is no business of ours: it may not
    // even be readable, as a disk's lost+found.
    private IEnumerable<string> StraysIn(string path, string prefix)
    {
        string[] taken = [.. _folders.Values.SelectMany(folder => folder.Paths)];
        IEnumerable<string> images = Directory.EnumerateFiles(path).Select(file => Path.GetFileName(file)).Where(file => !file.StartsWith('.') && DatasetFolder.IsImage(file));
        IEnumerable<string> others = Directory.EnumerateDirectories(path)
            .Where(folder => !taken.Contains(folder) && !Path.GetFileName(folder).StartsWith('.') && (s_sides.Any(side => Directory.Exists(Path.Combine(folder, side))) || s_sides.Contains(Path.GetFileName(folder), StringComparer.OrdinalIgnoreCase)))
            .SelectMany(folder => DatasetFolder.FilesBelow(folder).Where(DatasetFolder.IsImage).Select(file => $"{Path.GetFileName(folder)}/{file}"));
        return images.Concat(others).Select(file => prefix + file);
    }

    /// <summary>A folder with the folders A, B and label.</summary>
    private sealed class PairFolder
    {
        private readonly Side[] _all;
        private readonly Dictionary<string, string> _byFile;
        private readonly ILookup<string, string> _byEnd;

        /// <param name="path">The folder.</param>
        /// <param name="prefix">Its path from the dataset's folder, with / at its end; empty where it is that.</param>
        public PairFolder(string path, string prefix)
        {
            Path = path;
            Prefix = prefix;
            _all = [.. s_sides.Select(side => new Side(path, side))];
            Names = [.. _all.SelectMany(side => side.Files.Keys).Distinct().Order(StringComparer.Ordinal)];
            _byFile = _all[0].Files.ToDictionary(file => file.Value, file => file.Key, StringComparer.Ordinal);
            _byEnd = _all[0].Files
                .SelectMany(file => EndsOf(file.Key).Concat(EndsOf(file.Value)).Distinct(), (file, end) => (end, file.Key))
                .ToLookup(found => found.end, found => found.Key, StringComparer.Ordinal);
        }

        public string Path { get; }

        public string Prefix { get; }

        /// <summary>The names of all pairs: a file in any of the three folders counts, so that a missing partner is found from either side.</summary>
        public string[] Names { get; }

        /// <summary>This folder and its three.</summary>
        public IEnumerable<string> Paths => _all.Select(side => side.Path).Append(Path);

        /// <summary>The files of formats that can't be read, from the dataset's folder.</summary>
        public IEnumerable<string> Unread => _all.SelectMany(side => side.Unread.Select(file => $"{Prefix}{side.Name}/{file}"));

        /// <summary>Whether a folder has one of the three.</summary>
        public static bool IsOne(string path) => s_sides.Any(side => DatasetFolder.FindFolder(path, side) is not null);

        /// <summary>The images of all pairs but some, from the dataset's folder.</summary>
        public IEnumerable<string> FilesBut(IReadOnlySet<string> names) =>
            _all.SelectMany(side => side.Files.Where(file => !names.Contains(file.Key)).Select(file => $"{Prefix}{side.Name}/{file.Value}"));

        public ChangePair PairOf(string name) => new(name, _all[0].PathOf(name), _all[1].PathOf(name), _all[2].PathOf(name));

        /// <summary>The images that a pair lacks.</summary>
        public IEnumerable<DatasetFault> MissingOf(string name) => _all
            .Where(side => !side.Files.ContainsKey(name))
            .Select(side => new DatasetFault($"The pair '{name}' has no image in the folder '{side.Path}'{side.Instead(name)}; expected it in A, B and label.", System.IO.Path.Combine(side.Path, name)));

        /// <summary>
        /// The pair that a line of a list means: the longest end of it that names one, by the image's file name or by that without its extension,
        /// with the folders below A or without.
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
                    problem = $"the folder 'A' has it {inner.Length} times, as '{inner[0]}' and '{inner[1]}'; expected it with its folder";
                    return null;
                }
            }

            problem = $"the folder 'A' has no such image{_all[0].Instead(DatasetFolder.StemOf(text))}";
            return null;
        }

        // The ends of a path that begin at a folder's end.
        private static IEnumerable<string> EndsOf(string path)
        {
            for (int slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1))
                yield return path[(slash + 1)..];
        }
    }

    /// <summary>One of the folders A, B and label.</summary>
    private sealed class Side
    {
        public Side(string root, string name)
        {
            Path = DatasetFolder.FindFolder(root, name)
                ?? throw new DatasetException($"The data folder '{root}' has no folder '{name}'; expected A, B and label.", root);
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
