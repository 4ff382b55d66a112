using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets;

/// <summary>Looks into a data set's folder, and says in one sentence what is not there.</summary>
internal static class DatasetFolder
{
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
            throw new DatasetException($"The data folder '{full}' can't be read: permission denied.", full, exception);
        }

        return full;
    }

    /// <summary>The folder of a name within another, in any letter case; null where there is none.</summary>
    public static string? FindFolder(string parent, string name)
    {
        string exact = Path.Combine(parent, name);
        return Directory.Exists(exact)
            ? exact
            : Directory.EnumerateDirectories(parent).Order().FirstOrDefault(folder => string.Equals(Path.GetFileName(folder), name, StringComparison.OrdinalIgnoreCase));
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
}
