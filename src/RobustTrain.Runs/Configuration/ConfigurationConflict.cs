namespace RobustTrain.Runs.Configuration;

/// <summary>Two keys, each valid by itself, that contradict each other.</summary>
/// <param name="Key">The dotted key that should be changed.</param>
/// <param name="Message">What it is and what the other demands.</param>
internal sealed record ConfigurationConflict(string Key, string Message);
