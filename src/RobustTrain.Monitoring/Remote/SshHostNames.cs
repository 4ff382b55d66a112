namespace RobustTrain.Monitoring.Remote;

/// <summary>The hosts that an OpenSSH configuration names: those after <c>Host</c> without patterns, of included files too.</summary>
public static class SshHostNames
{
    private const int DeepestInclude = 16;

    /// <summary>Reads the names, in the order of the file.</summary>
    /// <param name="configPath">The file; one that is not there names nothing.</param>
    public static IReadOnlyList<string> Read(string configPath)
    {
        var names = new List<string>();
        Read(configPath, names, 0);
        return [.. names.Distinct(StringComparer.Ordinal)];
    }

    private static void Read(string path, List<string> names, int depth)
    {
        if (depth > DeepestInclude || !File.Exists(path))
            return;

        foreach (string line in File.ReadLines(path))
        {
            string[] words = line.Split([' ', '\t', '='], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length < 2 || words[0].StartsWith('#'))
                continue;

            if (words[0].Equals("Host", StringComparison.OrdinalIgnoreCase))
                names.AddRange(words.Skip(1).Select(word => word.Trim('"')).Where(word => word.IndexOfAny(['*', '?', '!']) < 0));
            else if (words[0].Equals("Include", StringComparison.OrdinalIgnoreCase))
                words.Skip(1).SelectMany(pattern => Expand(pattern.Trim('"'), path)).ToList().ForEach(file => Read(file, names, depth + 1));
        }
    }

    private static IEnumerable<string> Expand(string pattern, string path)
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string full = pattern.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(home, pattern[2..])
            : Path.IsPathRooted(pattern) ? pattern
            : Path.Combine(Path.GetDirectoryName(path) ?? home, pattern);
        string? folder = Path.GetDirectoryName(full);
        return folder is not null && Directory.Exists(folder) ? Directory.EnumerateFiles(folder, Path.GetFileName(full)).Order(StringComparer.Ordinal) : [];
    }
}
