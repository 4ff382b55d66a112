namespace RobustTrain.Runs;

/// <summary>Remembers what was created, so that a failure can leave things as they were.</summary>
internal sealed class CreatedThings
{
    private readonly Stack<string> _folders = [];
    private readonly Stack<string> _files = [];

    /// <summary>Creates a folder with its parents, and remembers those that were not there.</summary>
    public void AddFolder(string path)
    {
        Stack<string> missing = [];
        for (string? at = path; at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at))
            missing.Push(at);
        foreach (string folder in missing)
        {
            Directory.CreateDirectory(folder);
            _folders.Push(folder);
        }
    }

    /// <summary>Remembers a file that is about to be created.</summary>
    public void AddFile(string path) => _files.Push(path);

    /// <summary>Removes what was created, as far as nobody has put anything else into it.</summary>
    public void Remove()
    {
        foreach (string file in _files)
            File.Delete(file);
        foreach (string folder in _folders.Where(folder => Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()))
            Directory.Delete(folder);
    }
}
