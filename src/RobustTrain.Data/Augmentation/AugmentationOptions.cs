using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Augmentation;

/// <summary>How training samples are varied. Geometry is applied to both images and the label alike, colour to each image by itself. Each is a key of a configuration's section <c>data.augmentation</c>.</summary>
public sealed record AugmentationOptions
{
    /// <summary>No variation at all.</summary>
    public static AugmentationOptions None { get; } = new();

    [Description("Height and width that images are resized to before cropping (bilinear; labels by the nearest); null keeps them.")]
    [Length(2, 2)]
    [Range(16, 8192)]
    public IReadOnlyList<int>? Resize { get; init; }

    [Description("Rotation by 0, 90, 180 or 270 degrees, each as likely.")]
    [ConfigurationAlias("use_rot")]
    public bool Rotate { get; init; }

    [Description("Probability of a flip left to right.")]
    [Range(0.0, 1.0)]
    [ConfigurationForeignName("use_hflip", "set data.augmentation.horizontal_flip: 0.5, the probability that use_hflip: true means.")]
    public double HorizontalFlip { get; init; }

    [Description("Probability of a flip top to bottom.")]
    [Range(0.0, 1.0)]
    public double VerticalFlip { get; init; }

    [Description("Probability that an image's colours are changed at all, for each image by itself.")]
    [Range(0.0, 1.0)]
    public double ColorProbability { get; init; } = 1.0;

    [Description("Brightness factor is drawn from 1 - b to 1 + b, for each image by itself.")]
    [Range(0.0, 1.0)]
    public double Brightness { get; init; }

    [Description("Contrast factor is drawn from 1 - c to 1 + c.")]
    [Range(0.0, 1.0)]
    public double Contrast { get; init; }

    [Description("Saturation factor is drawn from 1 - s to 1 + s.")]
    [Range(0.0, 1.0)]
    public double Saturation { get; init; }

    [Description("Hue shift, as a share of the colour circle, is drawn from -h to h.")]
    [Range(0.0, 0.5)]
    public double Hue { get; init; }

    /// <summary><see cref="Resize"/>, which is height and width, as a size.</summary>
    internal ImageSize? Size => Resize is [int height, int width] ? new ImageSize(width, height) : null;
}
