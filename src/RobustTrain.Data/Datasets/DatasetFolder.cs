using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets;

/// <summary>Looks into a dataset's folder, and says in one sentence what is not there.</summary>
internal static class DatasetFolder
{
    /// <summary>The formats that can be read, for people.</summary>
    public const string Formats = "PNG, JPEG and BMP";

    /// <summary>The kind and the text of the warning of files that can't be read.</summary>
    public static readonly (string Kind, string Text) OtherFormats = ("other_formats", $"Files of another format than {Formats} are not used");

    private static readonly string[] s_extensions = [".png", ".jpg", ".jpeg", ".bmp"];

    // What the systems' file managers leave in any folder that they show.
    private static readonly string[] s_leavings = ["Thumbs.db", "desktop.ini"];

    /// <summary>The full path of a folder that exists and is not empty.</summary>
    public static string Open(string path)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new DatasetException("The data folder is not given.", "");
        string full = Path.GetFullPath(path);
        if (File.Exists(full))
            throw new DatasetException($"The data path '{full}' is a file; expected a folder.", full);
        if (!Directory.Exists(full))
            throw new DatasetException($"The data folder '{full}' does not exist.", full);
        try
        {
            if (!Directory.EnumerateFileSystemEntries(full).Any())
                throw new DatasetException($"The data folder '{full}' is empty.", full);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw NotReadable(full, exception);
        }

        return full;
    }

    /// <summary>The folder of a name within another, as it is written there, in any letter case; null where there is none.</summary>
    /// <exception cref="DatasetException">The other can't be read.</exception>
    public static string? FindFolder(string parent, string name)
    {
        try
        {
            string[] found = [.. Directory.EnumerateDirectories(parent).Where(folder => string.Equals(Path.GetFileName(folder), name, StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)];
            return found.FirstOrDefault(folder => Path.GetFileName(folder) == name) ?? found.FirstOrDefault();
        }
        catch (UnauthorizedAccessException exception)
        {
            throw NotReadable(parent, exception);
        }
    }

    /// <summary>The names of the folders in a folder, in ordinal order, without those that a dot hides.</summary>
    /// <exception cref="DatasetException">It can't be read.</exception>
    public static string[] FoldersIn(string folder)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(folder).Select(inner => Path.GetFileName(inner)).Where(name => !name.StartsWith('.')).Order(StringComparer.Ordinal)];
        }
        catch (UnauthorizedAccessException exception)
        {
            throw NotReadable(folder, exception);
        }
    }

    /// <summary>
    /// The files in a folder and in those below it, by their paths from there, with / between folders, in ordinal order. Without those that are
    /// hidden, whose name or folder begins with a dot, and those that file managers leave.
    /// </summary>
    /// <exception cref="DatasetException">A folder can't be read, or is a link back to one that it lies in.</exception>
    public static string[] FilesBelow(string folder)
    {
        List<string> files = [];
        Collect(folder, "", [RealPath(folder)], files);
        files.Sort(StringComparer.Ordinal);
        return [.. files];
    }

    /// <summary>The warnings of files that belong to no sample, one for each reason that has any.</summary>
    /// <param name="root">The dataset's folder.</param>
    /// <param name="groups">Each reason, with its files from that folder.</param>
    public static IReadOnlyList<DatasetWarning> Unused(string root, params IEnumerable<((string Kind, string Text) Reason, IEnumerable<string> Files)> groups) =>
    [
        .. groups
            .Select(group => new DatasetWarning(group.Reason.Kind, group.Reason.Text, [.. group.Files.Order(StringComparer.Ordinal).Select(file => FullPath(root, file))]))
            .Where(warning => warning.Count > 0),
    ];

    /// <summary>Which dataset reads what is in a folder, to follow what was expected in it; nothing where none does.</summary>
    public static string OtherReader(string root)
    {
        string[] folders = [root, .. Directory.GetDirectories(root)];
        if (folders.Any(folder => Directory.Exists(Path.Combine(folder, "Szada"))))
            return "; Szada and Tiszadob are read by the dataset air-change";
        if (folders.Any(folder => Directory.Exists(Path.Combine(folder, "A"))))
            return "; A, B and label are read by the dataset change-pairs";
        if (folders.Any(folder => Directory.Exists(Path.Combine(folder, "images"))))
            return "; images and labels are read by the dataset images-labels";
        return folders.Any(folder => Directory.Exists(Path.Combine(folder, "gt"))) ? "; gt and lq are read by the dataset paired-images" : "";
    }

    /// <summary>The full path of a file that <see cref="FilesBelow"/> found.</summary>
    public static string FullPath(string folder, string file) => Path.Combine(folder, file.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>Whether a file's name says that it is an image that can be read.</summary>
    public static bool IsImage(string file) => s_extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);

    /// <summary>A file's name without its extension where that is an image's; a dot elsewhere belongs to the name.</summary>
    public static string StemOf(string file) => IsImage(file) ? file[..^Path.GetExtension(file).Length] : file;

    /// <summary>The lines of a text file.</summary>
    /// <exception cref="DatasetException">It is not there, or can't be read.</exception>
    public static IReadOnlyList<string> ReadLines(string file)
    {
        FileBytes bytes = new();
        try
        {
            bytes.Read(file);
        }
        catch (SampleException exception)
        {
            throw new DatasetException(exception.Message, exception.Path, exception);
        }

        List<string> lines = [];
        using StreamReader reader = new(new MemoryStream(bytes.Span.ToArray()));
        while (reader.ReadLine() is { } line)
            lines.Add(line);
        return lines;
    }

    /// <summary>Makes sure that a format can be decoded on this machine before anything starts.</summary>
    public static void Require(ImageFormat format, string file)
    {
        try
        {
            ImageLibraries.Require(format);
        }
        catch (DllNotFoundException exception)
        {
            throw new DatasetException(exception.Message, file, exception);
        }
    }

    private static void Collect(string folder, string prefix, IReadOnlyList<string> ancestors, List<string> files)
    {
        try
        {
            foreach (string file in Directory.EnumerateFiles(folder).Select(file => Path.GetFileName(file)))
            {
                if (!file.StartsWith('.') && !s_leavings.Contains(file, StringComparer.OrdinalIgnoreCase))
                    files.Add(prefix + file);
            }

            foreach (string inner in Directory.EnumerateDirectories(folder))
            {
                string name = Path.GetFileName(inner);
                if (name.StartsWith('.'))
                    continue;
                string real = RealPath(inner);
                if (ancestors.Contains(real, StringComparer.Ordinal))
                    throw new DatasetException($"The folder '{inner}' is a link to '{real}', which it lies in; expected a folder that ends.", inner);
                Collect(inner, $"{prefix}{name}/", [.. ancestors, real], files);
            }
        }
        catch (UnauthorizedAccessException exception)
        {
            throw NotReadable(folder, exception);
        }
    }

    private static DatasetException NotReadable(string folder, UnauthorizedAccessException exception) =>
        new($"The data folder '{folder}' can't be read: permission denied.", folder, exception);

    private static string RealPath(string folder) => new DirectoryInfo(folder).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder;
}
