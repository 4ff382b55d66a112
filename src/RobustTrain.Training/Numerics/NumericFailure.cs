namespace RobustTrain.Training.Numerics;

/// <summary>A step whose loss or gradient went wrong.</summary>
/// <param name="Problem">What went wrong, as the beginning of a sentence.</param>
/// <param name="FirstFault">Where the first value that is not finite was found, as a sentence; null where it was not looked for or not found.</param>
internal sealed record NumericFailure(string Problem, string? FirstFault);
