namespace RobustTrain.Runs;

/// <summary>Finds the folders of runs.</summary>
public static class RunSearch
{
    /// <summary>How many levels below the given folder are searched: <c>runs/project/name</c> and one more.</summary>
    public const int Depth = 4;

    /// <summary>The folder itself where it is a run, else the runs below it, in order of their paths. A run holds no other run.</summary>
    public static IEnumerable<string> Below(string folder) => Below(folder, Depth);

    private static IEnumerable<string> Below(string folder, int levels)
    {
        if (RunFolder.IsRun(folder))
            return [folder];

        if (levels == 0)
            return [];

        var options = new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint };
        return Directory.EnumerateDirectories(folder, "*", options)
            .Order(StringComparer.Ordinal)
            .SelectMany(inner => Below(inner, levels - 1));
    }
}
