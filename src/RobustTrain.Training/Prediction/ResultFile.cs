using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Training.Prediction;

/// <summary>
/// A file that is written under a hidden name in its folder and gets its own when it is whole. Until then nothing of that name is
/// touched, and what was written goes with this object; what a killed process leaves, <see cref="DeleteLeftovers"/> deletes.
/// </summary>
internal sealed class ResultFile : IDisposable
{
    private const string TemporaryPrefix = ".robusttrain-result-";

    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _stream;

    /// <summary>Opens the file, and makes its folder where it is not there.</summary>
    /// <exception cref="RunException">The disk refuses.</exception>
    public ResultFile(string path)
    {
        _path = path;
        string folder = Path.GetDirectoryName(path)!;
        _temporary = Path.Combine(folder, $"{TemporaryPrefix}{Guid.NewGuid():N}{DurableFile.TemporarySuffix}");
        try
        {
            Directory.CreateDirectory(folder);
            // On Linux FileShare.None is a lock (flock(2)) that lives as long as the process; on Windows an open file is one anyway.
            _stream = new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, OperatingSystem.IsWindows() ? FileShare.Read | FileShare.Delete : FileShare.None, bufferSize: 1 << 16);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw Refused(path, refused);
        }
    }

    /// <summary>Where to write.</summary>
    public Stream Stream => _stream;

    /// <summary>Gives the file its name, over any other of that name.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Complete()
    {
        _stream.Dispose();
        File.Move(_temporary, _path, overwrite: true);
    }

    /// <summary>Deletes what is written so far, while another thread may still be writing.</summary>
    public void Abandon() => File.Delete(_temporary);

    /// <summary>Deletes what did not become whole.</summary>
    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // What is still in its buffer goes with the file.
        }

        File.Delete(_temporary);
    }

    /// <summary>Says that the disk refused a file.</summary>
    public static RunException Refused(string path, Exception cause) => new(
        ExitCode.Unexpected, StorageError.IdOf(cause, "FileNotWritten"), $"The file '{path}' could not be written: {StorageError.Describe(cause).TrimEnd('.')}.", path, cause);

    /// <summary>Deletes what killed processes have left half written in a folder, and nothing that a living one writes.</summary>
    /// <exception cref="RunException">The disk refuses.</exception>
    public static void DeleteLeftovers(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        try
        {
            foreach (string leftover in Directory.EnumerateFiles(folder, $"{TemporaryPrefix}*{DurableFile.TemporarySuffix}"))
                DeleteUnlessHeld(leftover);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw Refused(folder, refused);
        }
    }

    // A file that can be had alone is written by nobody.
    private static void DeleteUnlessHeld(string leftover)
    {
        try
        {
            new FileStream(leftover, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (FileNotFoundException)
        {
            // It has just got its name.
        }
        catch (IOException held) when (StorageError.IsSharingViolation(held))
        {
            // A living process writes it.
        }
        catch (UnauthorizedAccessException)
        {
            // It is another user's.
        }
    }
}
