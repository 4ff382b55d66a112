using System.Runtime.InteropServices;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Loading;

namespace RobustTrain.Data.Samples;

/// <summary>
/// What subtracting the two images and cutting at a threshold scores, for every threshold: the figure that a network has to beat.
/// </summary>
public static class DifferencingBaseline
{
    private const int Bins = 4096;

    /// <summary>Goes through a data set once.</summary>
    /// <param name="dataset">Pairs that were normalised with <paramref name="std"/>.</param>
    /// <param name="std">The standard deviations of the normalisation, which is undone for the differences.</param>
    /// <exception cref="SampleException">A sample can't be loaded.</exception>
    public static unsafe DifferencingScore Measure(IChangeDataset dataset, IReadOnlyList<double> std)
    {
        SlotLayout layout = new(dataset.Fields, 1);
        long[,] grey = new long[2, Bins];
        long[,] colour = new long[2, Bins];
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)layout.Bytes, SlotLayout.Alignment);
        try
        {
            SampleBuffer sample = new(memory, layout.Placements, 0);
            for (int index = 0; index < dataset.Count; index++)
            {
                dataset.Load(new SampleKey(0, 0, index), sample);
                Count(sample, std, grey, colour);
            }
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }

        double greyF1 = BestF1(grey, out double share);
        double colourF1 = BestF1(colour, out _);
        return new DifferencingScore(Math.Max(greyF1, colourF1), greyF1, colourF1, share);
    }

    private static void Count(SampleBuffer sample, IReadOnlyList<double> std, long[,] grey, long[,] colour)
    {
        ReadOnlySpan<float> first = sample.Field<float>(0);
        ReadOnlySpan<float> second = sample.Field<float>(1);
        ReadOnlySpan<long> label = sample.Field<long>(2);
        for (int pixel = 0; pixel < label.Length; pixel++)
        {
            // Other values are pixels to be ignored.
            if (label[pixel] is not (0 or 1))
                continue;
            double sum = 0;
            double squares = 0;
            for (int channel = 0; channel < std.Count; channel++)
            {
                double difference = (second[(channel * label.Length) + pixel] - first[(channel * label.Length) + pixel]) * std[channel];
                sum += difference;
                squares += difference * difference;
            }

            int row = (int)label[pixel];
            grey[row, Bin(Math.Abs(sum) / std.Count)]++;
            colour[row, Bin(Math.Sqrt(squares / std.Count))]++;
        }
    }

    private static int Bin(double magnitude) => Math.Min(Bins - 1, (int)(magnitude * Bins));

    private static double BestF1(long[,] counts, out double changedShare)
    {
        long changed = 0;
        long unchanged = 0;
        for (int bin = 0; bin < Bins; bin++)
        {
            unchanged += counts[0, bin];
            changed += counts[1, bin];
        }

        changedShare = changed + unchanged == 0 ? 0 : (double)changed / (changed + unchanged);
        double best = 0;
        long truePositive = 0;
        long falsePositive = 0;
        for (int bin = Bins - 1; bin >= 0; bin--)
        {
            falsePositive += counts[0, bin];
            truePositive += counts[1, bin];
            if (truePositive > 0)
                best = Math.Max(best, 2.0 * truePositive / (truePositive + falsePositive + changed));
        }

        return best;
    }
}
