using System.Text;

namespace RobustTrain.Platform;

/// <summary>Files that exist whole or not at all, after a crash of the machine too.</summary>
public static class DurableFile
{
    /// <summary>What a temporary file's name ends with; one that a crash left behind may be deleted.</summary>
    public const string TemporarySuffix = ".tmp";

    /// <summary>Writes a file beside its name, flushes it, and renames it over whatever had that name.</summary>
    /// <exception cref="IOException">The disk refuses; the file that had the name is as it was.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        string temporary = $"{path}.{Environment.ProcessId}{TemporarySuffix}";
        try
        {
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Deletes what killed processes have left half written in a folder and below it; nobody may be writing there.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void DeleteLeftovers(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, "*" + TemporarySuffix, SearchOption.AllDirectories))
        {
            // Ours have a process's number before the suffix.
            if (int.TryParse(Path.GetExtension(Path.GetFileNameWithoutExtension(file)).AsSpan().TrimStart('.'), out _))
                File.Delete(file);
        }
    }

    /// <summary>Writes a text in UTF-8, as <see cref="Write(string, ReadOnlySpan{byte})"/> does.</summary>
    public static void Write(string path, string content) => Write(path, Encoding.UTF8.GetBytes(content));

    /// <summary>
    /// Flushes a folder, so that the names in it outlive a crash of the machine. Does nothing on Windows, whose file systems
    /// keep the order of renames by themselves.
    /// </summary>
    public static void FlushFolder(string path)
    {
        if (!OperatingSystem.IsWindows())
            PosixFile.FlushFolder(path);
    }

    /// <summary>Exchanges the names of two folders in one operation: at no moment has one of the names no folder.</summary>
    /// <returns>False where the system or the file system can't; both are as they were.</returns>
    /// <exception cref="IOException">The disk refuses; both are as they were.</exception>
    public static bool TryExchangeFolders(string path, string other) => OperatingSystem.IsLinux() && PosixFile.TryExchange(path, other);
}
