using RobustTrain.Data.Augmentation;

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
public sealed record ChangePair(string Name, string Image1, string Image2, string Label);

/// <summary>Reads the files of a pair whole, which the headers alone don't tell everything of.</summary>
internal static class PairCheck
{
    /// <summary>What is wrong with each of the files.</summary>
    public static IReadOnlyList<DatasetFault> FaultsOf(ChangePair pair, LabelClasses classes, bool labelIndices, SampleScratch scratch)
    {
        List<DatasetFault> faults = [];
        Try(() => scratch.Reader.Decode(pair.Image1, scratch.Image));
        Try(() => scratch.Reader.Decode(pair.Image2, scratch.Image));
        Try(() =>
        {
            LabelClasses.Decode(scratch.Reader, pair.Label, scratch.Label, labelIndices);
            classes.Count(scratch.Label, new PixelWindow(0, 0, scratch.Label.Width, scratch.Label.Height), new long[classes.Number], pair.Label);
        });
        return faults;

        void Try(Action read)
        {
            try
            {
                read();
            }
            catch (SampleException exception)
            {
                faults.Add(new DatasetFault(exception.Message, exception.Path));
            }
        }
    }
}
