namespace RobustTrain.Data;

/// <summary>A sample can't be loaded: the message names its file and what is wrong with it, in one sentence.</summary>
public sealed class SampleException(string message, string path, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The file at fault.</summary>
    public string Path { get; } = path;

    /// <summary>
    /// Whether the fault lies in the file's own bytes, so that it is there until the file changes. A right that is missing, a disk or a
    /// memory that fails, or a setting that the file doesn't fit may be mended without the file.
    /// </summary>
    public bool IsOfFile { get; init; }

    /// <summary>A fault in a file's own bytes.</summary>
    internal static SampleException OfFile(string message, string path) => new(message, path) { IsOfFile = true };
}
