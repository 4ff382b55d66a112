using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Augmentation;

/// <summary>How training samples are varied. Geometry is applied to both images and the label alike, colour to each image by itself.</summary>
public sealed record AugmentationOptions
{
    /// <summary>No variation at all.</summary>
    public static AugmentationOptions None { get; } = new();

    /// <summary>The size that images are resized to before cropping (bilinear; labels by the nearest); null keeps them.</summary>
    public ImageSize? Resize { get; init; }

    /// <summary>Whether samples are turned by 0, 90, 180 or 270 degrees, each as likely; samples that are not square by 0 or 180.</summary>
    public bool Rotate { get; init; }

    /// <summary>The probability of a flip left to right.</summary>
    public double HorizontalFlip { get; init; }

    /// <summary>The probability of a flip top to bottom.</summary>
    public double VerticalFlip { get; init; }

    /// <summary>The probability that an image's colours are changed at all, for each image by itself.</summary>
    public double ColorProbability { get; init; } = 1;

    /// <summary>The brightness factor is drawn from 1 - this to 1 + this.</summary>
    public double Brightness { get; init; }

    /// <summary>The contrast factor is drawn from 1 - this to 1 + this.</summary>
    public double Contrast { get; init; }

    /// <summary>The saturation factor is drawn from 1 - this to 1 + this.</summary>
    public double Saturation { get; init; }

    /// <summary>The hue is shifted by a share of the colour circle from -this to this, at most 0.5.</summary>
    public double Hue { get; init; }
}
