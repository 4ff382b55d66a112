using System.Numerics;
using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// How near one image is to another: squared errors, from which the peak signal-to-noise ratio (PSNR) follows, and structural similarity (SSIM,
/// Wang et al., TIP 2004). As BasicSR computes them: both images in 8 bits, a border left out, brightness (Y) by ITU-R BT.601 in 16 to 235,
/// SSIM by a Gaussian window of 11 pixels and sigma 1.5, where it lies within the image.
/// </summary>
/// <param name="Pixels">The pixels that count.</param>
/// <param name="SquaredErrorY">The sum of the squared errors of brightness, of 0 to 255.</param>
/// <param name="SquaredError">That of all channels, divided by their number.</param>
/// <param name="SsimY">The structural similarity of brightness; null where the image is smaller than the window.</param>
/// <param name="Ssim">The mean of that of the channels.</param>
public readonly record struct ImageQuality(long Pixels, double SquaredErrorY, double SquaredError, double? SsimY, double? Ssim)
{
    private const int Side = 11;
    private const double Sigma = 1.5;
    private const double Peak = 255;

    // The PSNR of an image without any error, so that means stay finite.
    private const double HighestPsnr = 100;

    private static readonly double[] s_window = Window();

    /// <summary>The PSNR of brightness in decibels, at most 100.</summary>
    public double PsnrY => Decibels(SquaredErrorY);

    /// <summary>The PSNR of all channels in decibels, at most 100.</summary>
    public double Psnr => Decibels(SquaredError);

    /// <summary>That of several parts of an image together, each counting by its pixels.</summary>
    public static ImageQuality Of(IReadOnlyList<ImageQuality> parts)
    {
        long pixels = parts.Sum(part => part.Pixels);
        return new ImageQuality(
            pixels, parts.Sum(part => part.SquaredErrorY), parts.Sum(part => part.SquaredError),
            Mean(part => part.SsimY), Mean(part => part.Ssim));

        double? Mean(Func<ImageQuality, double?> of)
        {
            double? sum = 0;
            foreach (ImageQuality part in parts)
                sum += of(part) * part.Pixels;
            return sum / pixels;
        }
    }

    /// <summary>The border that is left out where images are enlarged: as many pixels as the scale, as far as any are left.</summary>
    public static int BorderOf(int width, int height, int scale) => Math.Min(scale, (Math.Min(width, height) - 1) / 2);

    /// <summary>Compares two images.</summary>
    /// <param name="image">Channels x height x width, values 0 to 1, 1 or 3 channels.</param>
    /// <param name="truth">The same of the other.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="border">Pixels at each edge that are left out.</param>
    /// <exception cref="ArgumentException">The border leaves nothing, or the lengths don't fit.</exception>
    public static ImageQuality Of(ReadOnlySpan<float> image, ReadOnlySpan<float> truth, int width, int height, int border)
    {
        int channels = width * height == 0 ? 0 : image.Length / (width * height);
        if (channels is not (1 or 3) || image.Length != channels * width * height || truth.Length != image.Length || width <= 2 * border || height <= 2 * border)
            throw new ArgumentException($"Images of {width}x{height} pixels with a border of {border} can't have {image.Length} and {truth.Length} values.", nameof(image));
        (int w, int h) = (width - (2 * border), height - (2 * border));
        double[][] ours = Planes(image, channels, width, height, border);
        double[][] theirs = Planes(truth, channels, width, height, border);
        double squares = 0;
        double? similarity = 0;
        for (int channel = 0; channel < channels; channel++)
        {
            squares += SquaredErrorOf(ours[channel], theirs[channel]) / channels;
            similarity += SsimOf(ours[channel], theirs[channel], w, h) / channels;
        }

        if (channels == 1)
            return new ImageQuality(w * h, squares, squares, similarity, similarity);
        double[] brightness = Brightness(ours);
        double[] trueBrightness = Brightness(theirs);
        return new ImageQuality(w * h, SquaredErrorOf(brightness, trueBrightness), squares, SsimOf(brightness, trueBrightness, w, h), similarity);
    }

    private double Decibels(double squaredError) => Math.Min(HighestPsnr, 10 * Math.Log10(Peak * Peak * Pixels / squaredError));

    private static double[][] Planes(ReadOnlySpan<float> image, int channels, int width, int height, int border)
    {
        double[][] planes = new double[channels][];
        for (int channel = 0; channel < channels; channel++)
        {
            double[] plane = planes[channel] = new double[(width - (2 * border)) * (height - (2 * border))];
            int to = 0;
            for (int y = border; y < height - border; y++)
            {
                foreach (float value in image.Slice((((channel * height) + y) * width) + border, width - (2 * border)))
                    plane[to++] = MathF.Round(Math.Clamp(value, 0f, 1f) * 255);
            }
        }

        return planes;
    }

    private static double[] Brightness(double[][] planes)
    {
        double[] brightness = new double[planes[0].Length];
        for (int pixel = 0; pixel < brightness.Length; pixel++)
            brightness[pixel] = (((65.481 * planes[0][pixel]) + (128.553 * planes[1][pixel]) + (24.966 * planes[2][pixel])) / 255) + 16;
        return brightness;
    }

    private static double SquaredErrorOf(double[] first, double[] second)
    {
        double sum = 0;
        for (int at = 0; at < first.Length; at++)
            sum += (first[at] - second[at]) * (first[at] - second[at]);
        return sum;
    }

    private static double? SsimOf(double[] first, double[] second, int width, int height)
    {
        if (width < Side || height < Side)
            return null;
        double[] mean1 = Filter(first, first, isProduct: false, width, height);
        double[] mean2 = Filter(second, second, isProduct: false, width, height);
        double[] square1 = Filter(first, first, isProduct: true, width, height);
        double[] square2 = Filter(second, second, isProduct: true, width, height);
        double[] product = Filter(first, second, isProduct: true, width, height);
        const double c1 = 0.01 * Peak * (0.01 * Peak);
        const double c2 = 0.03 * Peak * (0.03 * Peak);
        double sum = 0;
        for (int at = 0; at < mean1.Length; at++)
        {
            double both = mean1[at] * mean2[at];
            double squares = (mean1[at] * mean1[at]) + (mean2[at] * mean2[at]);
            double covariance = product[at] - both;
            double variances = square1[at] + square2[at] - squares;
            sum += ((2 * both) + c1) * ((2 * covariance) + c2) / ((squares + c1) * (variances + c2));
        }

        return sum / mean1.Length;
    }

    // The window over an image, or over the product of two, where it lies within them.
    private static double[] Filter(double[] first, double[] second, bool isProduct, int width, int height)
    {
        int columns = width - Side + 1;
        int rows = height - Side + 1;
        double[] values = first;
        if (isProduct)
        {
            values = new double[first.Length];
            for (int at = 0; at < values.Length; at++)
                values[at] = first[at] * second[at];
        }

        double[] across = new double[columns * height];
        for (int y = 0; y < height; y++)
        {
            for (int tap = 0; tap < Side; tap++)
                AddScaled(values.AsSpan((y * width) + tap, columns), s_window[tap], across.AsSpan(y * columns, columns));
        }

        double[] result = new double[columns * rows];
        for (int y = 0; y < rows; y++)
        {
            for (int tap = 0; tap < Side; tap++)
                AddScaled(across.AsSpan((y + tap) * columns, columns), s_window[tap], result.AsSpan(y * columns, columns));
        }

        return result;
    }

    private static void AddScaled(ReadOnlySpan<double> from, double weight, Span<double> sum)
    {
        ReadOnlySpan<Vector<double>> fromVectors = MemoryMarshal.Cast<double, Vector<double>>(from);
        Span<Vector<double>> sumVectors = MemoryMarshal.Cast<double, Vector<double>>(sum);
        for (int at = 0; at < sumVectors.Length; at++)
            sumVectors[at] += fromVectors[at] * weight;
        for (int at = sumVectors.Length * Vector<double>.Count; at < sum.Length; at++)
            sum[at] += from[at] * weight;
    }

    private static double[] Window()
    {
        double[] window = [.. Enumerable.Range(0, Side).Select(tap => Math.Exp(-((tap - (Side / 2)) * (tap - (Side / 2))) / (2 * Sigma * Sigma)))];
        double sum = window.Sum();
        return [.. window.Select(value => value / sum)];
    }
}
