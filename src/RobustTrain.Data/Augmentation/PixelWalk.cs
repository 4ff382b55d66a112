namespace RobustTrain.Data.Augmentation;

/// <summary>A walk through a source's pixels.</summary>
/// <param name="Start">The first pixel's place.</param>
/// <param name="ColumnStep">From one column to the next, in pixels.</param>
/// <param name="RowStep">From one row to the next, in pixels.</param>
internal readonly record struct PixelWalk(int Start, int ColumnStep, int RowStep);
