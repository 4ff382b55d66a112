using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;

namespace RobustTrain.Data.Degradation;

/// <summary>
/// How low-quality images are made from their ground truth: section <c>data.degradation</c> of a configuration. The names and the defaults are
/// Real-ESRGAN's (Wang, Xie, Dong, Shan, ICCVW 2021, section 3, and the options that were published with it).
/// </summary>
public sealed record DegradationOptions
{
    [Description("How low-quality images are made of their ground truth: none (they are read from the folder lq; without one, as bicubic), bicubic (antialiased, as MATLAB's imresize), first-order (blur, resize, noise and JPEG once) or second-order (twice, as Real-ESRGAN). Those of validation and test are read where there is a folder of them.")]
    [AllowedValues("none", "bicubic", "first-order", "second-order")]
    public string Name { get; init; } = "none";

    [Description("bicubic: qualities of a JPEG that the reduced image goes through, from and to; null for none.")]
    [Length(2, 2)]
    [Range(1, 100)]
    public IReadOnlyList<int>? JpegRange { get; init; }

    [Description("first-order, second-order: the first round.")]
    public DegradationRound First { get; init; } = new();

    [Description("second-order: the second round.")]
    public DegradationRound Second { get; init; } = new()
    {
        BlurProbability = 0.8,
        BlurSigma = [0.2, 1.5],
        ResizeProbabilities = [0.3, 0.4, 0.3],
        ResizeRange = [0.3, 1.2],
        NoiseRange = [1, 25],
        PoissonScaleRange = [0.05, 2.5],
    };

    [Description("second-order: probability of a last sinc filter, which rings as sharpening does.")]
    [Range(0.0, 1.0)]
    [ConfigurationAlias("final_sinc_prob")]
    public double FinalSincProbability { get; init; } = 0.8;

    /// <summary>Whether images go through JPEG.</summary>
    public bool UsesJpeg => Name is "first-order" or "second-order" || (Name == "bicubic" && JpegRange is not null);

    /// <summary>What is wrong with the ranges: each the key within the section, and what follows its name in a sentence.</summary>
    public IEnumerable<(string Key, string Problem)> FindProblems()
    {
        List<(string, string)> problems = [.. First.FindProblems("first"), .. Second.FindProblems("second")];
        if (JpegRange is [int low, int high] && low > high)
            problems.Add(("jpeg_range", $"goes from {low} to {high}, but must begin with the lower"));
        return problems;
    }
}

/// <summary>One round of a degradation: blur, resize, noise, JPEG.</summary>
public sealed record DegradationRound
{
    [Description("Probability of a blur.")]
    [Range(0.0, 1.0)]
    [ConfigurationAlias("blur_prob")]
    public double BlurProbability { get; init; } = 1.0;

    [Description("Standard deviation of the blur in pixels, from and to.")]
    [Length(2, 2)]
    [Range(0.05, 20.0)]
    public IReadOnlyList<double> BlurSigma { get; init; } = [0.2, 3];

    [Description("Weights of the blur kernels: isotropic and anisotropic Gaussian, generalised Gaussian likewise, plateau likewise.")]
    [Length(6, 6)]
    [Range(0.0, 1.0)]
    [ConfigurationAlias("kernel_prob")]
    public IReadOnlyList<double> KernelProbabilities { get; init; } = [0.45, 0.25, 0.12, 0.03, 0.12, 0.03];

    [Description("Share of the blurs that are a sinc filter in place of those kernels.")]
    [Range(0.0, 1.0)]
    [ConfigurationAlias("sinc_prob")]
    public double SincProbability { get; init; } = 0.1;

    [Description("Weights of enlarging, reducing and keeping the size.")]
    [Length(3, 3)]
    [Range(0.0, 1.0)]
    [ConfigurationAlias("resize_prob")]
    public IReadOnlyList<double> ResizeProbabilities { get; init; } = [0.2, 0.7, 0.1];

    [Description("Factors of the resize: the smallest reduction and the largest enlargement.")]
    [Length(2, 2)]
    [Range(0.05, 4.0)]
    public IReadOnlyList<double> ResizeRange { get; init; } = [0.15, 1.5];

    [Description("Probability that the noise is Gaussian; otherwise it is Poisson noise, as of few photons.")]
    [Range(0.0, 1.0)]
    [ConfigurationAlias("gaussian_noise_prob")]
    public double GaussianNoiseProbability { get; init; } = 0.5;

    [Description("Standard deviation of Gaussian noise in grey values of 255, from and to.")]
    [Length(2, 2)]
    [Range(0.0, 255.0)]
    public IReadOnlyList<double> NoiseRange { get; init; } = [1, 30];

    [Description("Factor of Poisson noise, from and to.")]
    [Length(2, 2)]
    [Range(0.0, 10.0)]
    public IReadOnlyList<double> PoissonScaleRange { get; init; } = [0.05, 3];

    [Description("Probability that noise is the same in all channels.")]
    [Range(0.0, 1.0)]
    [ConfigurationAlias("gray_noise_prob")]
    public double GrayNoiseProbability { get; init; } = 0.4;

    [Description("Qualities of JPEG, from and to.")]
    [Length(2, 2)]
    [Range(1, 100)]
    public IReadOnlyList<int> JpegRange { get; init; } = [30, 95];

    /// <inheritdoc cref="DegradationOptions.FindProblems"/>
    internal IEnumerable<(string Key, string Problem)> FindProblems(string section)
    {
        (string Key, double Low, double High)[] ranges =
        [
            ("blur_sigma", BlurSigma[0], BlurSigma[1]), ("resize_range", ResizeRange[0], ResizeRange[1]), ("noise_range", NoiseRange[0], NoiseRange[1]),
            ("poisson_scale_range", PoissonScaleRange[0], PoissonScaleRange[1]), ("jpeg_range", JpegRange[0], JpegRange[1]),
        ];
        foreach ((string key, double low, double high) in ranges.Where(range => range.Low > range.High))
            yield return ($"{section}.{key}", FormattableString.Invariant($"goes from {low} to {high}, but must begin with the lower"));
        if (ResizeRange[0] > 1 || ResizeRange[1] < 1)
            yield return ($"{section}.resize_range", FormattableString.Invariant($"goes from {ResizeRange[0]} to {ResizeRange[1]}, but must have 1, which keeps the size, between them"));
        foreach ((string key, IReadOnlyList<double> weights) in new[] { ("kernel_probabilities", KernelProbabilities), ("resize_probabilities", ResizeProbabilities) })
        {
            if (weights.Sum() <= 0)
                yield return ($"{section}.{key}", "has only zeros, but one weight must be above 0");
        }
    }
}
