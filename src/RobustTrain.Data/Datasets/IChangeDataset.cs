namespace RobustTrain.Data.Datasets;

/// <summary>
/// A dataset of image pairs and what changed between them: fields <c>image1</c> and <c>image2</c> (Float32, channels x height x width,
/// normalised) and <c>label</c> (Int64, height x width).
/// </summary>
public interface IChangeDataset : IClassCountingDataset, ICheckableDataset;

/// <summary>The files of one pair of images.</summary>
/// <param name="Name">The file name that they share; for air-change location and number, as in <c>Szada/1</c>.</param>
/// <param name="Image1">The earlier image.</param>
/// <param name="Image2">The later image.</param>
/// <param name="Label">What changed.</param>
public sealed record ChangePair(string Name, string Image1, string Image2, string Label) : ILabelledImages
{
    IReadOnlyList<string> ILabelledImages.Images => [Image1, Image2];
}
