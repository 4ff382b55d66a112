using RobustTrain.Platform;

namespace RobustTrain.Dashboard.Journals;

/// <summary>Opens files of runs, which others write: a symbolic link might lead anywhere and is refused, and a pipe is not waited for.</summary>
internal static class PlainFile
{
    /// <summary>Opens a file to be read, in nobody's way.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It is a symbolic link or no file, or can't be read.</exception>
    public static FileStream Open(string path)
    {
        FileStream file = OperatingSystem.IsWindows() ? OpenOnWindows(path) : new FileStream(PosixFile.OpenItself(path), FileAccess.Read, bufferSize: 0);
        if (file.CanSeek)
            return file;
        file.Dispose();
        throw new IOException($"'{path}' is no file.");
    }

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mostBytes">How long it may be.</param>
    /// <exception cref="IOException">As <see cref="Open"/>; or it is longer.</exception>
    public static byte[] Read(string path, long mostBytes)
    {
        using FileStream file = Open(path);
        if (file.Length > mostBytes)
            throw new IOException($"'{path}' has {file.Length} bytes; expected at most {mostBytes}.");
        byte[] content = new byte[file.Length];
        int count = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return content[..count];
    }

    private static FileStream OpenOnWindows(string path)
    {
        FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        if ((File.GetAttributes(path) & FileAttributes.ReparsePoint) == 0)
            return file;
        file.Dispose();
        throw new IOException($"'{path}' is a symbolic link, which is not followed.");
    }
}
