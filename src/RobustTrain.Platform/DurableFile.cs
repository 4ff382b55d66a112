using System.Diagnostics;
using System.Text;

namespace RobustTrain.Platform;

/// <summary>Files that exist whole or not at all, after a crash of the machine too.</summary>
public static class DurableFile
{
    /// <summary>What a temporary file's name ends with; one that a crash left behind may be deleted.</summary>
    public const string TemporarySuffix = ".tmp";

    // Longer than a scanner looks at a file, shorter than an operator waits for a prompt.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

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

            Move(temporary, path);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Renames a file over whatever has the name. On Windows it waits for those who have either of them open.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void Move(string from, string to) => WhenReleased(() => File.Move(from, to, overwrite: true));

    /// <summary>Renames a folder to a name that is free. On Windows it waits for those who have something in it open.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void MoveFolder(string from, string to) => WhenReleased(() => Directory.Move(from, to));

    /// <summary>Deletes a folder with all that is in it. On Windows it waits for those who have something in it open.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void DeleteFolder(string path) => WhenReleased(() => Directory.Delete(path, recursive: true));

    /// <summary>Reads a file that another process may replace at any moment, and is in nobody's way.</summary>
    /// <exception cref="IOException">It can't be read.</exception>
    public static byte[] Read(string path)
    {
        byte[] content = [];
        WhenReleased(() =>
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            content = new byte[file.Length];
            file.ReadExactly(content);
        });
        return content;
    }

    /// <summary>Reads a text in UTF-8, as <see cref="Read"/> does.</summary>
    /// <exception cref="IOException">It can't be read.</exception>
    public static string ReadText(string path)
    {
        using StreamReader reader = new(new MemoryStream(Read(path)), Encoding.UTF8);
        return reader.ReadToEnd();
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

    // What Windows refuses while another process has a file open is tried again for a while.
    private static void WhenReleased(Action change)
    {
        for (long start = Stopwatch.GetTimestamp(); ; Thread.Sleep(20))
        {
            try
            {
                change();
                return;
            }
            catch (Exception held) when (StorageError.IsHeldOpen(held) && Stopwatch.GetElapsedTime(start) < s_patience)
            {
            }
        }
    }
}
