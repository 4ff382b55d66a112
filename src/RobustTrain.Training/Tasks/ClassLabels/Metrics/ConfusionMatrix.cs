using System.Text.Json.Serialization;
using RobustTrain.Runs;

namespace RobustTrain.Training.Tasks.ClassLabels.Metrics;

/// <summary>How many pixels of each true class were predicted as each class.</summary>
public sealed class ConfusionMatrix
{
    private readonly long[] _counts;

    /// <summary>An empty matrix.</summary>
    /// <param name="classes">The number of classes, at least 1.</param>
    public ConfusionMatrix(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        Classes = classes;
        _counts = new long[classes * classes];
    }

    /// <summary>A matrix of given counts, row-major: truth by row, prediction by column.</summary>
    /// <exception cref="ArgumentException">There are not classes times classes counts, or one is negative.</exception>
    [JsonConstructor]
    public ConfusionMatrix(int classes, IReadOnlyList<long> counts)
        : this(classes)
    {
        if (counts.Count != _counts.Length || counts.Any(count => count < 0))
            throw new ArgumentException($"A confusion matrix of {classes} classes has {_counts.Length} counts of at least 0.", nameof(counts));

        for (int i = 0; i < _counts.Length; i++) _counts[i] = counts[i];
    }

    /// <summary>The number of classes.</summary>
    public int Classes { get; }

    /// <summary>The counts, row-major: truth by row, prediction by column.</summary>
    public IReadOnlyList<long> Counts => _counts;

    /// <summary>The pixels of a true class that were predicted as another, or the same, class.</summary>
    public long this[int truth, int prediction] => _counts[(truth * Classes) + prediction];

    /// <summary>Counts one.</summary>
    internal void Add(int truth, int prediction) => _counts[(truth * Classes) + prediction]++;

    /// <summary>Adds another matrix of as many classes.</summary>
    public void Add(ConfusionMatrix other)
    {
        if (other.Classes != Classes) throw new ArgumentException($"A matrix of {other.Classes} classes can't be added to one of {Classes}.", nameof(other));
        for (int i = 0; i < _counts.Length; i++) _counts[i] += other._counts[i];
    }

    /// <summary>Counts pixels.</summary>
    /// <param name="truth">The label of each pixel.</param>
    /// <param name="predictions">The predicted class of each pixel.</param>
    /// <param name="ignoreIndex">The label that is left out.</param>
    /// <returns>The first label that is neither a class nor left out, with nothing counted from there on; null where all were counted.</returns>
    internal long? Count(ReadOnlySpan<long> truth, ReadOnlySpan<long> predictions, long ignoreIndex)
    {
        for (int i = 0; i < truth.Length; i++)
        {
            long label = truth[i];
            if (label == ignoreIndex) continue;
            if ((ulong)label >= (ulong)Classes) return label;
            _counts[(label * Classes) + predictions[i]]++;
        }

        return null;
    }
}

/// <summary>What is said of labels that do not fit the configuration.</summary>
internal static class LabelError
{
    /// <summary>A label that is neither a class nor the ignored value.</summary>
    public static RunException OutOfRange(string sample, long label, int classes, long ignoreIndex) =>
        new(ExitCode.Data, "LabelOutOfRange",
            $"The label of {sample} holds the value {label}, but must hold classes from 0 to {classes - 1}, or {ignoreIndex} where nothing is known.", sample);
}
