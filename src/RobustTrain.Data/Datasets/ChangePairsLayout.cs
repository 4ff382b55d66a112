using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets;

/// <summary>Finds the pairs of a split: one file name in the folders A, B and label, chosen by a list or by the name's prefix.</summary>
internal static class ChangePairsLayout
{
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".bmp"];

    /// <exception cref="DatasetException">A folder, a list or a partner is missing.</exception>
    public static ChangePair[] Find(ChangePairsOptions options)
    {
        string root = DatasetFolder.Open(options.Path);
        Dictionary<string, string> first = FilesOf(root, "A");
        Dictionary<string, string> second = FilesOf(root, "B");
        Dictionary<string, string> labels = FilesOf(root, "label");
        string[] names = (options.Split, options.ValLists) switch
        {
            (DatasetSplit.Val, { } lists) => ByLists(root, first, lists),
            _ when options.TrainList is null && options.ValList is null && options.TestList is null => ByPrefix(first, second, labels, options.Split),
            _ => ByList(root, first, options),
        };
        if (names.Length == 0 && options.Split == DatasetSplit.Train)
            throw new DatasetException($"The data folder '{root}' has no training pairs: no file in 'A' begins with 'train_'; give list files, or name the files train_, val_ and test_.", root);

        return [.. names.Select(name => new ChangePair(
            name,
            Partner(first, name, root, "A"),
            Partner(second, name, root, "B"),
            Partner(labels, name, root, "label")))];
    }

    /// <summary>Checks by their headers that the images of each pair fit each other, and have the channels that are wanted.</summary>
    /// <returns>The size of every pair, or null where they differ from each other.</returns>
    /// <exception cref="DatasetException">They don't.</exception>
    public static ImageSize? CheckHeaders(ChangePair[] pairs, int channels, HeaderCheck check)
    {
        ImageSize? common = null;
        bool differ = false;
        foreach (ChangePair pair in pairs)
        {
            ImageInfo first = check.Image(pair.Image1);
            ImageInfo second = check.Image(pair.Image2);
            ImageInfo label = check.Label(pair.Label);
            HeaderCheck.CheckPartners((pair.Image1, first), (pair.Image2, second), (pair.Label, label));
            foreach ((string file, ImageInfo info) in new[] { (pair.Image1, first), (pair.Image2, second) })
            {
                if (info.Channels > channels)
                    throw new DatasetException($"The image '{file}' has 3 channels, but mean and std have {channels} value; expected 3.", file);
                DatasetFolder.Require(info.Format, file);
            }

            DatasetFolder.Require(label.Format, pair.Label);
            common ??= (first.Width, first.Height);
            differ |= common != (first.Width, first.Height);
        }

        return differ ? null : common;
    }

    private static Dictionary<string, string> FilesOf(string root, string folder)
    {
        string path = DatasetFolder.FindFolder(root, folder)
            ?? throw new DatasetException($"The data folder '{root}' has no folder '{folder}'; expected A, B and label.", root);
        Dictionary<string, string> files = new(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(path))
        {
            if (!Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
                continue;
            string stem = Path.GetFileNameWithoutExtension(file);
            if (!files.TryAdd(stem, file))
                throw new DatasetException($"The folder '{path}' has two images named '{stem}': '{Path.GetFileName(files[stem])}' and '{Path.GetFileName(file)}'.", file);
        }

        return files;
    }

    private static string[] ByPrefix(Dictionary<string, string> first, Dictionary<string, string> second, Dictionary<string, string> labels, DatasetSplit split)
    {
        string prefix = split switch { DatasetSplit.Train => "train_", DatasetSplit.Val => "val_", _ => "test_" };
        // A file in any folder counts, so that a missing partner is found from either side.
        return [.. first.Keys.Concat(second.Keys).Concat(labels.Keys).Where(name => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)).Distinct().Order(StringComparer.Ordinal)];
    }

    private static string[] ByList(string root, Dictionary<string, string> first, ChangePairsOptions options)
    {
        string? list = options.Split switch { DatasetSplit.Train => options.TrainList, DatasetSplit.Val => options.ValList, _ => options.TestList };
        if (list is null)
        {
            return options.Split == DatasetSplit.Train
                ? throw new DatasetException("There are list files, but none for the training split; expected a list of training pairs.", root)
                : [];
        }

        string[] names = ByLists(root, first, [list]);
        return names.Length > 0 || options.Split != DatasetSplit.Train
            ? names
            : throw new DatasetException($"The list file '{Path.Combine(root, list)}' is empty; expected a file name on each line.", Path.Combine(root, list));
    }

    private static string[] ByLists(string root, Dictionary<string, string> first, IReadOnlyList<string> lists)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        return [.. lists.SelectMany(list => NamesIn(Path.Combine(root, list), first, seen))];
    }

    private static string[] NamesIn(string path, Dictionary<string, string> first, HashSet<string> seen)
    {
        if (!File.Exists(path))
            throw new DatasetException($"The list file '{path}' does not exist.", path);
        string[] names = [.. File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0)];
        for (int line = 0; line < names.Length; line++)
        {
            string stem = Path.GetFileNameWithoutExtension(names[line]);
            if (!first.ContainsKey(stem))
                throw new DatasetException($"The list file '{path}' names '{names[line]}', line {line + 1}, but the folder 'A' has no such image.", path);
            if (!seen.Add(stem))
                throw new DatasetException($"The list file '{path}' names '{names[line]}' twice, again in line {line + 1}.", path);
            names[line] = stem;
        }

        return names;
    }

    private static string Partner(Dictionary<string, string> files, string name, string root, string folder) =>
        files.TryGetValue(name, out string? file)
            ? file
            : throw new DatasetException($"The pair '{name}' has no image in the folder '{Path.Combine(root, folder)}'; expected it in A, B and label.", Path.Combine(root, folder, name));
}
