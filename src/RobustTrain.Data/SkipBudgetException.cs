namespace RobustTrain.Data;

/// <summary>More samples of an epoch can't be loaded than may be skipped. The message names them.</summary>
public sealed class SkipBudgetException(string message, IReadOnlyList<string> samples)
    : Exception(message)
{
    /// <summary>The samples that could not be loaded.</summary>
    public IReadOnlyList<string> Samples { get; } = samples;
}
