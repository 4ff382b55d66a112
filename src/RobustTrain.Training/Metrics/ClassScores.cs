namespace RobustTrain.Training.Metrics;

/// <summary>
/// The scores of one class, each from 0 to 1, from its true and false positives and negatives;
/// null where the denominator is 0, which says that there was nothing to score.
/// </summary>
/// <param name="Iou">Intersection over union, <c>tp / (tp + fp + fn)</c>; null where the class was neither there nor predicted.</param>
/// <param name="Accuracy"><c>(tp + tn) / (tp + tn + fp + fn)</c>; null where no pixel counted.</param>
/// <param name="Precision"><c>tp / (tp + fp)</c>; null where the class was never predicted.</param>
/// <param name="Recall"><c>tp / (tp + fn)</c>; null where the class was not there.</param>
/// <param name="F1"><c>2 tp / (2 tp + fp + fn)</c>; null where the class was neither there nor predicted.</param>
public sealed record ClassScores(double? Iou, double? Accuracy, double? Precision, double? Recall, double? F1);
