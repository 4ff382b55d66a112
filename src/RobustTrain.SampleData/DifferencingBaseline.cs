using RobustTrain.Data;
using RobustTrain.Data.Datasets;

namespace RobustTrain.SampleData;

/// <summary>
/// What subtracting the two images and cutting at a threshold scores, for every threshold: the figure that a network has to beat.
/// </summary>
public static class DifferencingBaseline
{
    private const int Bins = 4096;

    /// <summary>Whether the images of a dataset's samples can be subtracted.</summary>
    public static bool AppliesTo(IDataset dataset) => dataset is IChangeDataset;

    /// <summary>Goes through a dataset once.</summary>
    /// <param name="dataset">Pairs that were normalised with <paramref name="std"/>.</param>
    /// <param name="std">The standard deviations of the normalisation, which is undone for the differences.</param>
    /// <exception cref="SampleException">A sample can't be loaded.</exception>
    public static DifferencingScore Measure(IDataset dataset, IReadOnlyList<double> std)
    {
        Histograms counted = Count(dataset, std);
        Cut grey = BestCut(counted.Grey, out double share);
        Cut colour = BestCut(counted.Colour, out _);
        return new DifferencingScore(Math.Max(grey.F1, colour.F1), grey.F1, colour.F1, share);
    }

    /// <summary>Chooses the kind of difference and the threshold on one dataset, and judges them by another.</summary>
    /// <param name="chosenOn">What they are chosen on.</param>
    /// <param name="judgedBy">What they are judged by.</param>
    /// <param name="std">The standard deviations of the normalisation of both.</param>
    /// <exception cref="SampleException">A sample can't be loaded.</exception>
    public static DifferencingTransfer MeasureTransfer(IDataset chosenOn, IDataset judgedBy, IReadOnlyList<double> std)
    {
        Histograms known = Count(chosenOn, std);
        Cut grey = BestCut(known.Grey, out _);
        Cut colour = BestCut(known.Colour, out _);
        Histograms unknown = Count(judgedBy, std);
        return grey.F1 >= colour.F1 ? Judge(unknown.Grey, grey.Bin) : Judge(unknown.Colour, colour.Bin);
    }

    private static DifferencingTransfer Judge(long[,] counts, int threshold)
    {
        long[] confusion = new long[4];
        for (int bin = 0; bin < Bins; bin++)
        {
            int predicted = bin >= threshold ? 1 : 0;
            confusion[predicted] += counts[0, bin];
            confusion[2 + predicted] += counts[1, bin];
        }

        long wrong = confusion[1] + confusion[2];
        return new DifferencingTransfer(confusion[3] == 0 ? 0 : 2.0 * confusion[3] / ((2 * confusion[3]) + wrong), (double)threshold / Bins, confusion);
    }

    private static Histograms Count(IDataset dataset, IReadOnlyList<double> std)
    {
        Histograms counted = new(new long[2, Bins], new long[2, Bins]);
        using PrefetchLoader loader = new(dataset, new LoaderOptions { BatchSize = 1, NumWorkers = 0, PrefetchQueueLength = 1 });
        foreach (IBatch batch in loader.ReadEpoch(0))
        {
            using (batch)
                Count(Values<float>(batch["image1"]), Values<float>(batch["image2"]), Values<long>(batch["label"]), std, counted);
        }

        return counted;
    }

    private static unsafe ReadOnlySpan<T> Values<T>(BatchField field)
        where T : unmanaged =>
        new((void*)field.Address, (int)field.Shape.Aggregate(1L, (product, length) => product * length));

    private static void Count(ReadOnlySpan<float> first, ReadOnlySpan<float> second, ReadOnlySpan<long> label, IReadOnlyList<double> std, Histograms counted)
    {
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
            counted.Grey[row, Bin(Math.Abs(sum) / std.Count)]++;
            counted.Colour[row, Bin(Math.Sqrt(squares / std.Count))]++;
        }
    }

    private static int Bin(double magnitude) => Math.Min(Bins - 1, (int)(magnitude * Bins));

    private static Cut BestCut(long[,] counts, out double changedShare)
    {
        long changed = 0;
        long unchanged = 0;
        for (int bin = 0; bin < Bins; bin++)
        {
            unchanged += counts[0, bin];
            changed += counts[1, bin];
        }

        changedShare = changed + unchanged == 0 ? 0 : (double)changed / (changed + unchanged);
        Cut best = new(Bins, 0);
        int last = Bins;
        long truePositive = 0;
        long falsePositive = 0;
        for (int bin = Bins - 1; bin >= 0; bin--)
        {
            falsePositive += counts[0, bin];
            truePositive += counts[1, bin];
            double f1 = truePositive == 0 ? 0 : 2.0 * truePositive / (truePositive + falsePositive + changed);
            if (f1 > best.F1)
                (best, last) = (new Cut(bin, f1), bin);
            else if (f1 == best.F1 && last == bin + 1)
                last = bin;
        }

        // In the middle of the thresholds that are as good, where other samples are least likely to fall on the wrong side.
        return best with { Bin = (best.Bin + last) / 2 };
    }

    private sealed record Histograms(long[,] Grey, long[,] Colour);

    // The first bin that counts as changed, and the F1 that it leads to.
    private readonly record struct Cut(int Bin, double F1);
}

/// <summary>The best that thresholded differencing can do on a split, with the threshold chosen on the very pixels that it is judged by.</summary>
/// <param name="BestF1">The F1 of the changed class at the best threshold, the better of grey and colour.</param>
/// <param name="GreyF1">The best F1 of the difference of grey values.</param>
/// <param name="ColourF1">The best F1 of the length of the difference of colours.</param>
/// <param name="ChangedShare">The share of changed pixels, 0 to 1.</param>
public sealed record DifferencingScore(double BestF1, double GreyF1, double ColourF1, double ChangedShare);

/// <summary>What thresholded differencing scores with a threshold that was chosen on other samples.</summary>
/// <param name="F1">The F1 of the changed class.</param>
/// <param name="Threshold">The threshold, of differences in 0..1.</param>
/// <param name="Confusion">The pixels, row-major: truth by row, prediction by column.</param>
public sealed record DifferencingTransfer(double F1, double Threshold, IReadOnlyList<long> Confusion);
