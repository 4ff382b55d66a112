namespace RobustTrain.Runs.Configuration;

/// <summary>A key whose values differ between two configurations.</summary>
/// <param name="Path">The dotted key.</param>
/// <param name="Left">The value in the first, as YAML.</param>
/// <param name="Right">The value in the second, as YAML.</param>
public sealed record ConfigurationDifference(string Path, string Left, string Right);
