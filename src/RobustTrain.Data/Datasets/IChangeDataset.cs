namespace RobustTrain.Data.Datasets;

/// <summary>
/// A data set of image pairs and what changed between them: fields <c>image1</c> and <c>image2</c> (Float32, channels x height x width,
/// normalised) and <c>label</c> (Int64, height x width).
/// </summary>
public interface IChangeDataset : IDataset
{
    /// <summary>
    /// How many pixels of each class the labels of this split hold, for class weights; pixels to be ignored do not count.
    /// It reads every label once.
    /// </summary>
    /// <exception cref="SampleException">A label can't be read or has a value beyond the classes.</exception>
    IReadOnlyList<long> CountClasses();
}
