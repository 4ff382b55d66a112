namespace RobustTrain.Configuration;

/// <summary>A configuration has mistakes: all that could be found at once, each a sentence on a line of the message.</summary>
/// <param name="errors">The mistakes, at least one, in the order of the text.</param>
public sealed class ConfigurationException(IReadOnlyList<ConfigurationError> errors)
    : Exception(string.Join('\n', errors.Select(error => error.Message)))
{
    /// <summary>The mistakes, at least one.</summary>
    public IReadOnlyList<ConfigurationError> Errors { get; } = errors;

    /// <summary>The stable id of the first mistake.</summary>
    public string ErrorId => Errors[0].ErrorId;

    /// <summary>The dotted key of the first mistake; null where the text can't be read at all.</summary>
    public string? Target => Errors[0].Key;
}

/// <summary>One mistake in a configuration.</summary>
/// <param name="ErrorId">A stable id for scripts.</param>
/// <param name="Message">One sentence: where, what was found, what is allowed.</param>
/// <param name="Key">The dotted key at fault; null where the text can't be read at all.</param>
public sealed record ConfigurationError(string ErrorId, string Message, string? Key);
