namespace RobustTrain.Data.Datasets.ImageFolders;

/// <summary>Text files that list images of a split, each line a path from the split's folder, as <c>cats/1.png</c>, with or without extension.</summary>
public static class ImageFoldersLists
{
    /// <summary>The names of the samples that lists name.</summary>
    /// <param name="dataset">The split.</param>
    /// <param name="lists">The files, relative to the dataset's folder.</param>
    /// <exception cref="DatasetException">A list is missing, is empty, or names what the split does not have.</exception>
    public static IReadOnlySet<string> NamesIn(ImageFoldersDataset dataset, IReadOnlyList<string> lists)
    {
        string[] names = [.. Enumerable.Range(0, dataset.Count).Select(dataset.NameOf)];
        ILookup<string, string> byStem = names.ToLookup(DatasetFolder.StemOf, StringComparer.Ordinal);
        HashSet<string> known = new(names, StringComparer.Ordinal);
        HashSet<string> found = new(StringComparer.Ordinal);
        foreach (string list in lists)
        {
            string path = Path.Combine(Path.GetFullPath(dataset.Options.Path), list);
            int number = 0;
            int before = found.Count;
            foreach (string line in DatasetFolder.ReadLines(path).Select(line => line.Trim().Replace('\\', '/')))
            {
                number++;
                if (line.Length == 0)
                    continue;
                string[] meant = known.Contains(line) ? [line] : [.. byStem[line]];
                if (meant.Length != 1)
                {
                    throw new DatasetException(
                        $"The list file '{path}' names '{line}', line {number}, but the {dataset.Options.Split.ToString().ToLowerInvariant()} split has {(meant.Length == 0 ? "no such image" : "it more than once")}; expected a class's folder and a file name, as '{names.FirstOrDefault("cats/1.png")}'.", path);
                }

                found.Add(meant[0]);
            }

            if (found.Count == before)
                throw new DatasetException($"The list file '{path}' is empty, or names only what other lists do; expected an image on each line.", path);
        }

        return found;
    }
}
