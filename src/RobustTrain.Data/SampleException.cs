namespace RobustTrain.Data;

/// <summary>A sample can't be loaded: the message names its file and what is wrong with it, in one sentence.</summary>
public sealed class SampleException(string message, string path, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The file at fault.</summary>
    public string Path { get; } = path;
}
