namespace RobustTrain.Tests.Monitoring;

/// <summary>Where the repository lies.</summary>
internal static class TestFiles
{
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "RobustTrain.sln")))
            folder = Path.GetDirectoryName(folder);

        return folder ?? throw new DirectoryNotFoundException("RobustTrain.sln was not found above the tests.");
    }

    public static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);

        foreach (string folder in Directory.EnumerateDirectories(from))
            CopyFolder(folder, Path.Combine(to, Path.GetFileName(folder)));
    }
}
