namespace RobustTrain.Data.Datasets;

/// <summary>The files of one scene of the benchmark.</summary>
/// <param name="Name">Location and number, as in <c>Szada/1</c>.</param>
/// <param name="Image1">The earlier image.</param>
/// <param name="Image2">The later image.</param>
/// <param name="Label">The ground truth.</param>
public sealed record AirChangeScene(string Name, string Image1, string Image2, string Label);
