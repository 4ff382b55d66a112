using RobustTrain.Data;
using RobustTrain.Runs;

namespace RobustTrain.Training.Criteria;

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
