namespace RobustTrain.Training.Selection;

/// <summary>Which of two values of a score is the better one.</summary>
public enum ScoreDirection
{
    /// <summary>The higher.</summary>
    HigherIsBetter,

    /// <summary>The lower.</summary>
    LowerIsBetter,
}
