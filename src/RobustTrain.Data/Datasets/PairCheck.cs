using RobustTrain.Data.Augmentation;

namespace RobustTrain.Data.Datasets;

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
