using System.Text.Json;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Degradation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Tests.Data;

/// <summary>Reductions, kernels, noise and scores against NumPy and torch; <c>Fixtures/super_resolution.py</c> says how the values were made.</summary>
public sealed class DegradationTests
{
    private const int Width = 48;
    private const int Height = 36;

    private static readonly JsonElement s_reference = JsonDocument.Parse(Fixture.Bytes("super_resolution.json")).RootElement;

    [Theory]
    [InlineData("imresize_half", 2)]
    [InlineData("imresize_third", 3)]
    public void Reduction_equals_MATLABs_imresize(string name, int scale)
    {
        FloatImage reduced = new();

        new PlaneResizer().Resize(Pattern(0, Width, Height, 3), reduced, Width / scale, Height / scale, ResizeFilter.MatlabBicubic);

        AssertClose(name, reduced.Values, 1e-3);
    }

    [Fact]
    public void Enlargement_equals_MATLABs_imresize()
    {
        FloatImage enlarged = new();

        new PlaneResizer().Resize(Pattern(0, 8, 8, 1), enlarged, 16, 16, ResizeFilter.MatlabBicubic);

        AssertClose("imresize_double", enlarged.Values, 1e-3);
    }

    [Theory]
    [InlineData("area", ResizeFilter.Area)]
    [InlineData("bilinear", ResizeFilter.Bilinear)]
    [InlineData("bicubic", ResizeFilter.Bicubic)]
    public void Resizing_equals_torchs_interpolate(string name, ResizeFilter filter)
    {
        FloatImage resized = new();

        new PlaneResizer().Resize(Pattern(0, Width, Height, 1), resized, 31, 13, filter);

        AssertClose(name, resized.Values, 1e-3);
    }

    [Fact]
    public void Sharpening_equals_its_formula()
    {
        const int side = 51;
        FloatImage image = Pattern(0, Width, Height, 3);
        double[][] planes = [.. Enumerable.Range(0, 3).Select(channel => image.Values.Slice(channel * Width * Height, Width * Height).ToArray().Select(value => value / 255.0).ToArray())];
        float[] sharpened = [.. planes.SelectMany(plane => plane).Select(value => (float)value)];
        bool[] isEdge = new bool[3];

        new UnsharpMask().Apply(sharpened, Width, Height, 3);

        for (int channel = 0; channel < 3; channel++)
        {
            double[] plane = planes[channel];
            double[] blurred = Blurred(plane);
            double[] mask = Blurred([.. plane.Zip(blurred, (value, blur) => Math.Abs(value - blur) * 255 > 10 ? 1.0 : 0)]);
            isEdge[channel] = mask.Any(value => value > 0.1);
            for (int at = 0; at < plane.Length; at++)
            {
                double sharp = Math.Clamp(plane[at] + (0.5 * (plane[at] - blurred[at])), 0, 1);
                Assert.Equal((mask[at] * sharp) + ((1 - mask[at]) * plane[at]), sharpened[(channel * plane.Length) + at], 1e-5);
            }
        }

        Assert.Contains(true, isEdge);
        float[] flat = [.. Enumerable.Repeat(0.3f, Width * Height)];
        new UnsharpMask().Apply(flat, Width, Height, 1);
        Assert.All(flat, value => Assert.Equal(0.3f, value));

        // The square of the kernel at once, as filter2D has it, its edges mirrored.
        static double[] Blurred(double[] plane)
        {
            const double sigma = (0.3 * (((side - 1) * 0.5) - 1)) + 0.8;
            double[] weights = [.. Enumerable.Range(-side / 2, side).Select(place => Math.Exp(-place * place / (2 * sigma * sigma)))];
            double sum = weights.Sum();
            double[] result = new double[plane.Length];
            for (int y = 0; y < Height; y++)
            {
                for (int x = 0; x < Width; x++)
                {
                    for (int row = 0; row < side; row++)
                    {
                        for (int column = 0; column < side; column++)
                            result[(y * Width) + x] += weights[row] * weights[column] / (sum * sum) * plane[(Inside(y + row - (side / 2), Height) * Width) + Inside(x + column - (side / 2), Width)];
                    }
                }
            }

            return result;
        }

        static int Inside(int place, int length) => place < 0 ? -place : place >= length ? (2 * (length - 1)) - place : place;
    }

    [Fact]
    public void Kernels_equal_their_formulas()
    {
        AssertClose("sinc", BlurKernel.Sinc(9, 1.7), 1e-6);
        AssertClose("gaussian", BlurKernel.Gaussian(9, 2.1, 0.8, 0.6, 1, isPlateau: false), 1e-6);
        AssertClose("generalised", BlurKernel.Gaussian(7, 1.5, 1.5, 0, 0.7, isPlateau: false), 1e-6);
        AssertClose("plateau", BlurKernel.Gaussian(9, 2.1, 0.8, -1.1, 1.6, isPlateau: true), 1e-6);
    }

    [Fact]
    public void A_filter_sums_what_its_kernel_says_mirrored_at_the_edges()
    {
        FloatImage image = Pattern(0, 45, 19, 3);
        FloatImage expected = Pattern(0, 45, 19, 3);
        float[] kernel = BlurKernel.Gaussian(7, 2, 1, 0.4, 1, isPlateau: false);

        new PlaneFilter().Apply(image, kernel);

        for (int place = 0; place < 45 * 19; place++)
        {
            (int x, int y) = (place % 45, place / 45);
            double sum = 0;
            for (int tap = 0; tap < kernel.Length; tap++)
                sum += kernel[tap] * expected.Row(2, Mirrored(y + (tap / 7) - 3, 19))[Mirrored(x + (tap % 7) - 3, 45)];
            Assert.Equal(sum, image.Row(2, y)[x], 1e-3);
        }

        static int Mirrored(int at, int length) => at < 0 ? -at : at < length ? at : (2 * length) - 2 - at;
    }

    [Fact]
    public void Noise_has_the_strength_that_is_asked_for()
    {
        SampleRandom random = new(new SampleKey(5, 0, 0));
        FloatImage gaussian = Constant(0.5f);
        FloatImage poisson = Constant(0.5f);
        FloatImage grey = Constant(0.5f);

        NoiseModel.AddGaussian(gaussian, 0.05, isGrey: false, ref random);
        NoiseModel.AddPoisson(poisson, 0.2, isGrey: false, ref random);
        NoiseModel.AddGaussian(grey, 0.05, isGrey: true, ref random);

        Assert.InRange(Deviation(gaussian.Values), 0.049, 0.051);
        // A single value counts as one photon: of a mean of 0.5 the deviation is the root of it.
        Assert.InRange(Deviation(poisson.Values), 0.2 * Math.Sqrt(0.5) * 0.97, 0.2 * Math.Sqrt(0.5) * 1.03);
        Assert.Equal(grey.Row(0, 7).ToArray(), grey.Row(2, 7).ToArray());
        Assert.NotEqual(gaussian.Row(0, 7).ToArray(), gaussian.Row(2, 7).ToArray());
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(9.5)]
    [InlineData(14)]
    [InlineData(240)]
    public void Poisson_deviates_have_their_mean_and_variance(double mean)
    {
        SampleRandom random = new(new SampleKey(1, 2, 3));

        double[] drawn = [.. Enumerable.Range(0, 40_000).Select(_ => (double)NoiseModel.Poisson(mean, ref random))];

        double found = drawn.Average();
        Assert.Equal(mean, found, 0.02 * Math.Sqrt(mean));
        Assert.InRange(drawn.Average(value => (value - found) * (value - found)), mean * 0.96, mean * 1.04);
    }

    [Fact]
    public void PSNR_and_SSIM_equal_BasicSRs()
    {
        float[] first = [.. Pattern(0, Width, Height, 3).Values.ToArray().Select(value => value / 255)];
        float[] second = [.. Pattern(11, Width, Height, 3).Values.ToArray().Select(value => value / 255)];

        ImageQuality quality = ImageQuality.Of(first, second, Width, Height, border: 2);

        Assert.Equal(s_reference.GetProperty("psnr").GetDouble(), quality.Psnr, 1e-4);
        Assert.Equal(s_reference.GetProperty("psnr_y").GetDouble(), quality.PsnrY, 1e-4);
        Assert.Equal(s_reference.GetProperty("ssim").GetDouble(), quality.Ssim!.Value, 1e-4);
        Assert.Equal(s_reference.GetProperty("ssim_y").GetDouble(), quality.SsimY!.Value, 1e-4);
    }

    [Fact]
    public void An_image_is_as_near_to_itself_as_can_be_and_a_small_one_has_no_SSIM()
    {
        float[] image = [.. Pattern(0, Width, Height, 1).Values.ToArray().Select(value => value / 255)];

        ImageQuality same = ImageQuality.Of(image, image, Width, Height, border: 0);
        ImageQuality small = ImageQuality.Of(image.AsSpan(0, 100), image.AsSpan(100, 100), 10, 10, border: 0);

        Assert.Equal((100.0, 100.0, 1.0), (same.PsnrY, same.Psnr, Math.Round(same.Ssim!.Value, 9)));
        Assert.Null(small.Ssim);
        Assert.InRange(small.Psnr, 1, 30);
    }

    [Fact]
    public void JPEG_keeps_an_image_nearly_at_a_high_quality_and_not_at_a_low_one()
    {
        using JpegRoundTrip jpeg = new();

        double fine = ErrorAt(95);
        double coarse = ErrorAt(5);

        Assert.InRange(fine, 0.01, 3);
        Assert.InRange(coarse, fine * 3, 60);

        double ErrorAt(int quality)
        {
            ImageBuffer image = Smooth();
            byte[] before = image.Pixels.ToArray();
            jpeg.Apply(image, quality);
            return before.Zip(image.Pixels.ToArray(), (one, other) => Math.Abs(one - other)).Average();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void JPEG_by_SkiaSharp_is_nearly_that_of_libjpeg_turbo(int channels)
    {
        using JpegRoundTrip turbo = new();
        using JpegRoundTrip skia = new(usesSkia: true);
        FloatImage original = Pattern(0, 64, 48, channels);
        ImageBuffer first = new();
        ImageBuffer second = new();
        original.WriteTo(1, first);
        original.WriteTo(1, second);

        turbo.Apply(first, 40);
        skia.Apply(second, 40);

        Assert.InRange(first.Pixels.ToArray().Zip(second.Pixels.ToArray(), (one, other) => Math.Abs(one - other)).Average(), 0, 1);
    }

    [Theory]
    [InlineData("first-order")]
    [InlineData("second-order")]
    public void A_degradation_is_a_function_of_its_key(string name)
    {
        using Degrader degrader = new();
        using Degrader other = new();
        DegradationOptions options = new() { Name = name };

        float[] first = Degraded(degrader, 1);
        float[] second = Degraded(degrader, 2);
        float[] again = Degraded(other, 1);

        Assert.Equal(first, again);
        Assert.NotEqual(first, second);
        Assert.All(first, value => Assert.Equal(MathF.Round(value * 255) / 255, value, 1e-6f));
        Assert.InRange(first.Average(), 0.2, 0.8);

        float[] Degraded(Degrader by, int index)
        {
            SampleRandom random = new(new SampleKey(7, 0, index), 3);
            float[] low = new float[3 * 24 * 24];
            float[] truth = [.. Pattern(0, Width, Width, 3).Values.ToArray().Select(value => value / 255)];
            by.Degrade(options, truth, Width, Width, 3, scale: 2, ref random, low);
            return low;
        }
    }

    [Fact]
    public void A_window_is_reduced_as_the_whole_image_is()
    {
        using Degrader degrader = new();
        ImageBuffer image = Smooth();
        SampleRandom random = default;
        float[] whole = new float[3 * 32 * 24];
        float[] part = new float[3 * 10 * 6];

        degrader.Reduce(image, new PixelWindow(0, 0, 64, 48), 2, 3, jpeg: null, ref random, whole);
        degrader.Reduce(image, new PixelWindow(24, 16, 20, 12), 2, 3, jpeg: null, ref random, part);

        for (int y = 0; y < 6; y++)
            Assert.Equal(whole.AsSpan(((8 + y) * 32) + 12, 10).ToArray(), part.AsSpan(y * 10, 10).ToArray());
    }

    private static ImageBuffer Smooth()
    {
        ImageBuffer image = new();
        image.SetSize(64, 48, 3);
        for (int place = 0; place < image.Pixels.Length; place++)
            image.Pixels[place] = (byte)(128 + (100 * Math.Sin(place / 3 % 64 / 9.0) * Math.Cos(place / 192 / 7.0)));
        return image;
    }

    private static FloatImage Constant(float value)
    {
        FloatImage image = new();
        image.SetSize(100, 100, 3);
        image.Values.Fill(value);
        return image;
    }

    private static double Deviation(ReadOnlySpan<float> values)
    {
        float[] all = values.ToArray();
        double mean = all.Average();
        return Math.Sqrt(all.Average(value => (value - mean) * (value - mean)));
    }

    private static FloatImage Pattern(int shift, int width, int height, int channels)
    {
        FloatImage image = new();
        image.SetSize(width, height, channels);
        for (int c = 0; c < channels; c++)
        {
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                    image.Row(c, y)[x] = ((x * 37) + (y * 91) + (c * 53) + (x * y % 23 * 7) + (shift * ((x + (y * 3) + c) % 5))) % 256;
            }
        }

        return image;
    }

    private static void AssertClose(string name, ReadOnlySpan<float> found, double tolerance)
    {
        double[] expected = [.. s_reference.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
        Assert.Equal(expected.Length, found.Length);
        for (int place = 0; place < expected.Length; place++)
            Assert.Equal(expected[place], found[place], tolerance);
    }
}
