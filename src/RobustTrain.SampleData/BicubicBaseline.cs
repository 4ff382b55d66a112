using RobustTrain.Data;
using RobustTrain.Data.Datasets.PairedImages;
using RobustTrain.Data.Degradation;
using RobustTrain.Data.Imaging;

namespace RobustTrain.SampleData;

/// <summary>What bicubic interpolation scores in super-resolution: the figure that a network has to beat.</summary>
public static class BicubicBaseline
{
    /// <summary>Whether a dataset's samples are images in low and high quality.</summary>
    public static bool AppliesTo(IDataset dataset) => dataset is PairedImagesDataset;

    /// <summary>Enlarges each image of a dataset once, by MATLAB's <c>imresize</c>.</summary>
    /// <param name="dataset">A dataset of images in low and high quality.</param>
    /// <returns>The mean PSNR of brightness over the images, in decibels, counted as the network's.</returns>
    /// <exception cref="SampleException">A sample can't be loaded.</exception>
    public static double MeasurePsnrY(IDataset dataset)
    {
        IReadOnlyList<int> low = dataset.Fields[0].Shape;
        IReadOnlyList<int> high = dataset.Fields[1].Shape;
        int scale = high[1] / low[1];
        PlaneResizer resizer = new();
        FloatImage small = new();
        FloatImage large = new();
        List<(string Image, ImageQuality Quality)> found = [];
        using PrefetchLoader loader = new(dataset, new LoaderOptions { BatchSize = 1, NumWorkers = 0, PrefetchQueueLength = 1 });
        foreach (IBatch batch in loader.ReadEpoch(0))
        {
            using (batch)
            {
                small.Set(Values(batch["lq"]), low[2], low[1], low[0]);
                resizer.Resize(small, large, high[2], high[1], ResizeFilter.MatlabBicubic);
                int border = ImageQuality.BorderOf(high[2], high[1], scale);
                found.Add((PairedImagesDataset.PartOf(dataset.NameOf(batch.SampleIndices[0])).Image, ImageQuality.Of(large.Values, Values(batch["gt"]), high[2], high[1], border)));
            }
        }

        return found.GroupBy(sample => sample.Image).Average(image => ImageQuality.Of([.. image.Select(sample => sample.Quality)]).PsnrY);
    }

    private static unsafe ReadOnlySpan<float> Values(BatchField field) =>
        new((void*)field.Address, (int)field.Shape.Aggregate(1L, (product, length) => product * length));
}
