namespace RobustTrain.Data;

/// <summary>A data set can't be opened: its folder is missing, empty or not in the expected layout. One sentence for the operator.</summary>
public sealed class DatasetException(string message, string path, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The folder or file at fault.</summary>
    public string Path { get; } = path;
}
