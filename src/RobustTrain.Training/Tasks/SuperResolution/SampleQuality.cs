using RobustTrain.Data.Datasets.PairedImages;
using RobustTrain.Data.Imaging;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.SuperResolution;

/// <summary>How near a network came to the truth in one sample, an image or a tile of one.</summary>
/// <param name="Name">The sample's name.</param>
/// <param name="Quality">How near.</param>
public sealed record SampleQuality(string Name, ImageQuality Quality) : SampleResult(Name)
{
    private static readonly (string Name, Func<ImageQuality, double?> Of)[] s_scores =
    [
        ("psnr_y", quality => quality.PsnrY), ("ssim_y", quality => quality.SsimY), ("psnr", quality => quality.Psnr), ("ssim", quality => quality.Ssim),
    ];

    /// <summary>The scores: PSNR in decibels and SSIM, of brightness (Y) and of all channels.</summary>
    public static IReadOnlyList<ScoreDefinition> Definitions { get; } = [.. s_scores.Select(score => new ScoreDefinition(score.Name, ScoreDirection.HigherIsBetter))];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> NamedScores => Named([Quality]);

    /// <summary>Compares a batch, sample by sample.</summary>
    /// <param name="output">N x C x H x W, values 0 to 1, on any device.</param>
    /// <param name="truth">The same of the ground truth.</param>
    /// <param name="names">The names of the N samples.</param>
    /// <param name="scale">The scale; as many pixels at each edge are left out, as far as any are left.</param>
    public static IReadOnlyList<SampleQuality> Of(Tensor output, Tensor truth, IReadOnlyList<string> names, int scale)
    {
        using IDisposable noGrad = no_grad();
        using Tensor ours = HostValues.Of(output);
        using Tensor theirs = HostValues.Of(truth);
        (int height, int width) = ((int)truth.shape[2], (int)truth.shape[3]);
        int border = ImageQuality.BorderOf(width, height, scale);
        return [.. names.Select((name, sample) => new SampleQuality(name, ImageQuality.Of(HostValues.Sample(ours, sample), HostValues.Sample(theirs, sample), width, height, border)))];
    }

    /// <summary>The scores of samples together: the means over the images, in each of which tiles count by their pixels.</summary>
    internal static AggregatedScores Aggregate(IEnumerable<SampleQuality> samples) =>
        new(Named([.. samples.GroupBy(sample => PairedImagesDataset.PartOf(sample.Name).Image).Select(image => ImageQuality.Of([.. image.Select(sample => sample.Quality)]))]));

    private static Dictionary<string, double> Named(IReadOnlyList<ImageQuality> images)
    {
        Dictionary<string, double> named = [];
        foreach ((string name, Func<ImageQuality, double?> of) in s_scores)
        {
            if (images.Average(of) is double mean)
                named.Add(name, mean);
        }

        return named;
    }
}
