using RobustTrain.Data;
using RobustTrain.Runs;

namespace RobustTrain.Training.Criteria;

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
