namespace RobustTrain.Runs.Configuration;

/// <summary>One mistake in a configuration.</summary>
/// <param name="ErrorId">A stable id for scripts.</param>
/// <param name="Message">One sentence: where, what was found, what is allowed.</param>
/// <param name="Key">The dotted key at fault; null where the text can't be read at all.</param>
public sealed record ConfigurationError(string ErrorId, string Message, string? Key);
