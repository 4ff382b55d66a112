

namespace RobustTrain.SampleData;

/// <summary>What thresholded differencing scores with a threshold that was chosen on other samples.</summary>
/// <param name="F1">The F1 of the changed class.</param>
/// <param name="Threshold">The threshold, of differences in 0..1.</param>
/// <param name="Confusion">The pixels, row-major: truth by row, prediction by column.</param>
public sealed record DifferencingTransfer(double F1, double Threshold, IReadOnlyList<long> Confusion);
