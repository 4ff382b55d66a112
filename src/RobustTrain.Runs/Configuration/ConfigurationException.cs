namespace RobustTrain.Runs.Configuration;

/// <summary>A configuration has mistakes: all that could be found at once, each a sentence on a line of the message.</summary>
/// <param name="errors">The mistakes, at least one, in the order of the text.</param>
public sealed class ConfigurationException(IReadOnlyList<ConfigurationError> errors)
    : RunException(ExitCode.Configuration, errors[0].ErrorId, string.Join('\n', errors.Select(error => error.Message)), errors[0].Key)
{
    /// <summary>The mistakes, at least one.</summary>
    public IReadOnlyList<ConfigurationError> Errors { get; } = errors;
}
