namespace RobustTrain.Runs.Configuration;

/// <summary>A value is not what its key allows; the reader adds where it stands.</summary>
internal sealed class ConfigurationValueException(string errorId, string message) : Exception(message)
{
    public string ErrorId { get; } = errorId;
}
