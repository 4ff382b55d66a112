using System.Runtime.InteropServices;
using RobustTrain.Runs;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ClassLabels.Metrics;

/// <summary>Which class was predicted for which in one sample. Scores of several samples are those of the summed matrices, so every pixel weighs the same.</summary>
/// <param name="Name">The sample's name.</param>
/// <param name="Confusion">Its pixels.</param>
public sealed record SampleConfusion(string Name, ConfusionMatrix Confusion) : SampleResult(Name)
{
    /// <summary>The sample's own scores.</summary>
    public SegmentationScores Scores => SegmentationScores.Of(Confusion);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> NamedScores => Scores.Named();

    /// <inheritdoc/>
    public override IReadOnlyList<long> ConfusionCounts => Confusion.Counts;

    /// <summary>Counts a batch, sample by sample; the predicted class of a pixel is that of its highest logit.</summary>
    /// <param name="logits">N x K x H x W for K classes, on any device.</param>
    /// <param name="labels">N x H x W, any integer type, on any device.</param>
    /// <param name="names">The names of the N samples.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="ignoreIndex">The label value that is left out.</param>
    /// <exception cref="ArgumentException">The shapes or the names do not belong together.</exception>
    /// <exception cref="RunException">A label is neither a class nor the ignored value (<c>LabelOutOfRange</c>).</exception>
    public static IReadOnlyList<SampleConfusion> Count(Tensor logits, Tensor labels, IReadOnlyList<string> names, int classes, long ignoreIndex)
    {
        CheckShapes(logits, labels, names, classes);
        using IDisposable noGrad = no_grad();
        using Tensor predictions = logits.argmax(1);
        using Tensor predicted = OnHost(predictions);
        using Tensor truth = OnHost(labels);

        ReadOnlySpan<long> predictedClasses = MemoryMarshal.Cast<byte, long>(predicted.bytes);
        ReadOnlySpan<long> trueClasses = MemoryMarshal.Cast<byte, long>(truth.bytes);
        int pixels = trueClasses.Length / names.Count;
        SampleConfusion[] batch = new SampleConfusion[names.Count];
        for (int sample = 0; sample < batch.Length; sample++)
        {
            ConfusionMatrix confusion = new(classes);
            Range range = (sample * pixels)..((sample + 1) * pixels);
            if (confusion.Count(trueClasses[range], predictedClasses[range], ignoreIndex) is long wrong)
                throw LabelError.OutOfRange(names[sample], wrong, classes, ignoreIndex);

            batch[sample] = new SampleConfusion(names[sample], confusion);
        }

        return batch;
    }

    private static Tensor OnHost(Tensor values)
    {
        using Tensor classes = values.to(ScalarType.Int64, copy: true);
        using Tensor host = classes.cpu();
        return host.contiguous();
    }

    private static void CheckShapes(Tensor logits, Tensor labels, IReadOnlyList<string> names, int classes)
    {
        long[] outputs = logits.shape;
        long[] targets = labels.shape;
        if (outputs.Length != 4 || targets.Length != 3 || outputs[0] != targets[0] || outputs[1] != classes
            || outputs[2] != targets[1] || outputs[3] != targets[2] || names.Count != targets[0] || names.Count == 0)
        {
            throw new ArgumentException(
                $"Logits must be N x {classes} x H x W, labels N x H x W, with N names, but they are {string.Join(" x ", outputs)}, {string.Join(" x ", targets)} and {names.Count}.",
                nameof(labels));
        }
    }
}
