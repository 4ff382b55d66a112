using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Training.Tasks.ClassLabels.Metrics;

namespace RobustTrain.Training.Tasks.ClassLabels.Losses;

/// <summary>How many pixels of the training labels each class has; ignored pixels count nowhere.</summary>
/// <param name="Counts">The pixels of each class, by class.</param>
public sealed record ClassDistribution(IReadOnlyList<long> Counts)
{
    /// <summary>Counts the labels that a loader delivers in its first epoch.</summary>
    /// <param name="loader">Loads the training data.</param>
    /// <param name="field">The field of the labels, <see cref="ElementType.UInt8"/> or <see cref="ElementType.Int64"/>.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="ignoreIndex">The label value that is left out.</param>
    /// <param name="stopping">Ends the counting with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="SampleException">A sample can't be loaded.</exception>
    /// <exception cref="RunException">A label is no class (<c>LabelOutOfRange</c>).</exception>
    public static ClassDistribution Count(IBatchLoader loader, string field, int classes, int ignoreIndex, CancellationToken stopping = default)
    {
        long[] counts = new long[classes];
        foreach (IBatch batch in loader.ReadEpoch(epoch: 0, stopping: stopping))
        {
            using (batch) LabelCounting.Add(batch[field], counts, ignoreIndex, sample => loader.Dataset.NameOf(batch.SampleIndices[sample]));
        }

        return new ClassDistribution(counts);
    }

    /// <summary>
    /// Weights inverse to the classes' shares, scaled to the mean 1: <c>w[c] = K / n[c] / sum over k of 1 / n[k]</c>.
    /// </summary>
    /// <exception cref="RunException">A class has no pixels (<c>CriterionClassMissing</c>).</exception>
    public IReadOnlyList<double> InverseWeights()
    {
        int missing = Counts.ToList().IndexOf(0);
        if (missing >= 0)
        {
            throw new RunException(
                ExitCode.Configuration, "CriterionClassMissing",
                $"criterion.weighting is data, but the training labels hold no pixel of class {missing}; check the labels and model.classes, or give criterion.class_weights.",
                missing);
        }

        double sum = Counts.Sum(count => 1.0 / count);
        return [.. Counts.Select(count => Counts.Count / (double)count / sum)];
    }
}

/// <summary>Counts the classes in a batch's labels where they lie.</summary>
internal static class LabelCounting
{
    /// <summary>Adds the pixels of each class in <paramref name="labels"/> to <paramref name="counts"/>.</summary>
    /// <param name="labels">N x H x W, <see cref="ElementType.UInt8"/> or <see cref="ElementType.Int64"/>.</param>
    /// <param name="counts">Pixels by class.</param>
    /// <param name="ignoreIndex">The label value that is left out.</param>
    /// <param name="nameOf">Names the sample at a place in the batch.</param>
    /// <exception cref="RunException">A label is no class (<c>LabelOutOfRange</c>).</exception>
    public static unsafe void Add(BatchField labels, long[] counts, int ignoreIndex, Func<int, string> nameOf)
    {
        int samples = checked((int)labels.Shape[0]);
        int pixels = checked((int)labels.Shape.Skip(1).Aggregate(1L, (product, size) => product * size));
        for (int sample = 0; sample < samples; sample++)
        {
            long wrong = labels.Type switch
            {
                ElementType.UInt8 => Add(new ReadOnlySpan<byte>((byte*)labels.Address + ((long)sample * pixels), pixels), counts, ignoreIndex),
                ElementType.Int64 => Add(new ReadOnlySpan<long>((long*)labels.Address + ((long)sample * pixels), pixels), counts, ignoreIndex),
                _ => throw new ArgumentException($"Labels must be UInt8 or Int64, but the field {labels.Name} is {labels.Type}.", nameof(labels)),
            };
            if (wrong != ignoreIndex) throw LabelError.OutOfRange(nameOf(sample), wrong, counts.Length, ignoreIndex);
        }
    }

    /// <summary>Returns the first label that is neither a class nor ignored, or the ignored value where there is none.</summary>
    private static long Add(ReadOnlySpan<byte> labels, long[] counts, int ignoreIndex)
    {
        Span<long> histogram = stackalloc long[256];
        foreach (byte label in labels) histogram[label]++;

        for (int value = 0; value < histogram.Length; value++)
        {
            if (value == ignoreIndex || histogram[value] == 0) continue;
            if (value >= counts.Length) return value;
            counts[value] += histogram[value];
        }

        return ignoreIndex;
    }

    private static long Add(ReadOnlySpan<long> labels, long[] counts, int ignoreIndex)
    {
        foreach (long label in labels)
        {
            if (label == ignoreIndex) continue;
            if ((ulong)label >= (ulong)counts.Length) return label;
            counts[label]++;
        }

        return ignoreIndex;
    }
}
