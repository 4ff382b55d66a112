using RobustTrain.Data.Augmentation;

namespace RobustTrain.Data.Datasets;

/// <summary>The files of a sample: images of one size, and a class map of the same.</summary>
public interface ILabelledImages
{
    /// <summary>The name that they share.</summary>
    string Name { get; }

    /// <summary>The images.</summary>
    IReadOnlyList<string> Images { get; }

    /// <summary>The class map.</summary>
    string Label { get; }
}

/// <summary>Reads the files of a sample whole, which the headers alone don't tell everything of.</summary>
internal static class LabelledImagesCheck
{
    /// <summary>What is wrong with each of the files.</summary>
    public static IReadOnlyList<DatasetFault> FaultsOf(ILabelledImages sample, LabelClasses classes, bool labelIndices, SampleScratch scratch)
    {
        List<DatasetFault> faults = [];
        foreach (string image in sample.Images)
            Try(() => scratch.Reader.Decode(image, scratch.Image));
        Try(() =>
        {
            LabelClasses.Decode(scratch.Reader, sample.Label, scratch.Label, labelIndices);
            classes.Count(scratch.Label, new PixelWindow(0, 0, scratch.Label.Width, scratch.Label.Height), new long[classes.Number], sample.Label);
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
