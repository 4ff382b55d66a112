namespace RobustTrain.Data.Datasets;

/// <summary>The files of one pair of images.</summary>
/// <param name="Name">The file name that they share; for air-change location and number, as in <c>Szada/1</c>.</param>
/// <param name="Image1">The earlier image.</param>
/// <param name="Image2">The later image.</param>
/// <param name="Label">What changed.</param>
public sealed record ChangePair(string Name, string Image1, string Image2, string Label);
