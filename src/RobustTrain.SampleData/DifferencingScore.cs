

namespace RobustTrain.SampleData;

/// <summary>The best that thresholded differencing can do on a split, with the threshold chosen on the very pixels that it is judged by.</summary>
/// <param name="BestF1">The F1 of the changed class at the best threshold, the better of grey and colour.</param>
/// <param name="GreyF1">The best F1 of the difference of grey values.</param>
/// <param name="ColourF1">The best F1 of the length of the difference of colours.</param>
/// <param name="ChangedShare">The share of changed pixels, 0 to 1.</param>
public sealed record DifferencingScore(double BestF1, double GreyF1, double ColourF1, double ChangedShare);
