namespace RobustTrain.Training.Checkpoints.SafeTensors;

/// <summary>A file is not the safetensors file that it claims to be; the message says in one sentence what is wrong.</summary>
public sealed class SafeTensorsException(string path, string problem, Exception? innerException = null)
    : Exception($"{path} is not a valid safetensors file: {problem}.", innerException)
{
    /// <summary>The file at fault.</summary>
    public string Path { get; } = path;
}
