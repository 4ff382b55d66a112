using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Training.Prediction;

/// <summary>
/// A file that is written beside its name and gets it when it is whole. Until then nothing of that name is touched, and what was
/// written goes with this object.
/// </summary>
internal sealed class ResultFile : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _stream;

    /// <summary>Opens the file, and makes its folder where it is not there.</summary>
    /// <exception cref="RunException">The disk refuses.</exception>
    public ResultFile(string path)
    {
        _path = path;
        _temporary = $"{path}.{Environment.ProcessId}{DurableFile.TemporarySuffix}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            _stream = new FileStream(_temporary, FileMode.Create, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 1 << 16);
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
}
