using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Training.Configuration;

/// <summary>The scores by which epochs can be compared.</summary>
internal sealed class ScoreNameAttribute()
    : AllowedValuesAttribute("f1", "iou", "precision", "recall", "accuracy", "mean_f1", "mean_iou", "mean_precision", "mean_recall");

/// <summary>A validation set's score, beside the names of scores.</summary>
internal sealed class ScoreOfSetAttribute : RegularExpressionAttribute
{
    public ScoreOfSetAttribute()
        : base("[^/]+/[a-z0-9_]+") => ErrorMessage = "SET/SCORE with one of them for a validation set";
}
