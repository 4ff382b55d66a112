namespace RobustTrain.Training.Tasks;

/// <summary>What a task has counted in one sample.</summary>
/// <param name="Name">The sample's name.</param>
public abstract record SampleResult(string Name)
{
    /// <summary>The sample's own scores that are defined, by name.</summary>
    public abstract IReadOnlyDictionary<string, double> NamedScores { get; }

    /// <summary>Its confusion matrix, row-major: truth by row, prediction by column; null where the task has no classes.</summary>
    public virtual IReadOnlyList<long>? ConfusionCounts => null;
}

/// <summary>The scores of many samples together.</summary>
/// <param name="Named">The scores that are defined, by name.</param>
/// <param name="Classes">The scores of each class; null where the task has none.</param>
/// <param name="ConfusionCounts">Their confusion matrix, row-major: truth by row, prediction by column; null where the task has no classes.</param>
public sealed record AggregatedScores(
    IReadOnlyDictionary<string, double> Named, IReadOnlyList<IReadOnlyDictionary<string, double?>>? Classes = null, IReadOnlyList<long>? ConfusionCounts = null);

/// <summary>A score by which epochs can be compared.</summary>
/// <param name="Name">Its name among the scores.</param>
/// <param name="Direction">Which of two values is the better one.</param>
public sealed record ScoreDefinition(string Name, ScoreDirection Direction);

/// <summary>Which of two values of a score is the better one.</summary>
public enum ScoreDirection
{
    /// <summary>The higher.</summary>
    HigherIsBetter,

    /// <summary>The lower.</summary>
    LowerIsBetter,
}
