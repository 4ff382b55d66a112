using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Degradation;

/// <summary>
/// Makes low-quality images of their ground truth. Every random number comes from the sample's own stream, so that an image is the same whichever
/// worker makes it. It keeps its buffers from image to image; one serves one thread at a time.
/// </summary>
public sealed class Degrader : IDisposable
{
    private static readonly ResizeFilter[] s_filters = [ResizeFilter.Area, ResizeFilter.Bilinear, ResizeFilter.Bicubic];

    private readonly PlaneResizer _resizer = new();
    private readonly PlaneFilter _filter = new();
    private readonly ImageBuffer _bytes = new();
    private JpegRoundTrip? _jpeg;
    private FloatImage _image = new();
    private FloatImage _other = new();

    /// <summary>Reduces a window of an image as the whole image would be reduced, rounded to 8 bits as its file would be.</summary>
    /// <param name="image">The decoded image.</param>
    /// <param name="window">A window whose corner and sides divide by the scale.</param>
    /// <param name="scale">By how much its sides become shorter.</param>
    /// <param name="channels">The channels that are wanted; grey is repeated in three.</param>
    /// <param name="jpeg">Qualities of a JPEG that it goes through afterwards; null for none.</param>
    /// <param name="random">The randomness of the quality.</param>
    /// <param name="target">Takes channels x height x width, values 0 to 1.</param>
    public void Reduce(ImageBuffer image, PixelWindow window, int scale, int channels, IReadOnlyList<int>? jpeg, ref SampleRandom random, Span<float> target)
    {
        // What the filter reaches around the window: two pixels of the reduced image. Beyond the image it is mirrored in any case.
        int margin = 3 * scale;
        (int left, int top) = (Math.Max(0, window.X - margin), Math.Max(0, window.Y - margin));
        int right = Math.Min(image.Width / scale * scale, window.X + window.Width + margin);
        int bottom = Math.Min(image.Height / scale * scale, window.Y + window.Height + margin);
        _image.Load(image, new PixelWindow(left, top, right - left, bottom - top), channels, 1);
        _resizer.Resize(_image, _other, (right - left) / scale, (bottom - top) / scale, ResizeFilter.MatlabBicubic);
        PixelWindow reduced = window with { X = (window.X - left) / scale, Y = (window.Y - top) / scale, Width = window.Width / scale, Height = window.Height / scale };
        _other.WriteTo(reduced, 1, _bytes);
        if (jpeg is not null)
            Compress(DrawInteger(jpeg, ref random));
        WriteBytes(channels, target);
    }

    /// <summary>Degrades an image by the rounds of a degradation.</summary>
    /// <param name="options">The degradation, <c>first-order</c> or <c>second-order</c>.</param>
    /// <param name="truth">The ground truth, channels x height x width, values 0 to 1.</param>
    /// <param name="width">Its width.</param>
    /// <param name="height">Its height.</param>
    /// <param name="channels">Its channels.</param>
    /// <param name="scale">By how much the result's sides are shorter.</param>
    /// <param name="random">The randomness.</param>
    /// <param name="target">Takes the result, values 0 to 1, in steps of 1 / 255.</param>
    public void Degrade(DegradationOptions options, ReadOnlySpan<float> truth, int width, int height, int channels, int scale, ref SampleRandom random, Span<float> target)
    {
        _image.Set(truth, width, height, channels);
        (int lowWidth, int lowHeight) = (width / scale, height / scale);
        if (options.Name == "first-order")
        {
            BlurAndResize(options.First, width, height, ref random);
            AddNoise(options.First, ref random);
            Resize(lowWidth, lowHeight, DrawFilter(ref random));
            CompressUnitRange(options.First.JpegRange, ref random);
        }
        else
        {
            BlurAndResize(options.First, width, height, ref random);
            AddNoise(options.First, ref random);
            CompressUnitRange(options.First.JpegRange, ref random);
            BlurAndResize(options.Second, lowWidth, lowHeight, ref random);
            AddNoise(options.Second, ref random);

            // The last resize comes with the sinc filter, before or after the last JPEG: section 3.4.
            bool isJpegLast = random.NextBool(0.5);
            if (!isJpegLast)
                CompressUnitRange(options.Second.JpegRange, ref random);
            Resize(lowWidth, lowHeight, DrawFilter(ref random));
            if (random.NextBool(options.FinalSincProbability))
                _filter.Apply(_image, BlurKernel.DrawFinalSinc(ref random));
            if (isJpegLast)
                CompressUnitRange(options.Second.JpegRange, ref random);
        }

        _image.WriteTo(255, _bytes);
        WriteBytes(channels, target);
    }

    /// <inheritdoc/>
    public void Dispose() => _jpeg?.Dispose();

    private static double Draw(IReadOnlyList<double> range, ref SampleRandom random) => random.NextDouble(range[0], range[1]);

    private static int DrawInteger(IReadOnlyList<int> range, ref SampleRandom random) => random.NextInt(range[0], range[1] + 1);

    private static ResizeFilter DrawFilter(ref SampleRandom random) => s_filters[random.NextInt(s_filters.Length)];

    private void BlurAndResize(DegradationRound round, int width, int height, ref SampleRandom random)
    {
        if (random.NextBool(round.BlurProbability))
            _filter.Apply(_image, BlurKernel.Draw(round, ref random));
        double factor = BlurKernel.Choose(round.ResizeProbabilities, ref random) switch
        {
            0 => random.NextDouble(1, round.ResizeRange[1]),
            1 => random.NextDouble(round.ResizeRange[0], 1),
            _ => 1,
        };
        Resize(Math.Max(1, (int)(width * factor)), Math.Max(1, (int)(height * factor)), DrawFilter(ref random));
    }

    private void Resize(int width, int height, ResizeFilter filter)
    {
        if ((width, height) == (_image.Width, _image.Height))
            return;
        _resizer.Resize(_image, _other, width, height, filter);
        (_image, _other) = (_other, _image);
    }

    private void AddNoise(DegradationRound round, ref SampleRandom random)
    {
        bool isGaussian = random.NextBool(round.GaussianNoiseProbability);
        bool isGrey = random.NextBool(round.GrayNoiseProbability);
        if (isGaussian)
            NoiseModel.AddGaussian(_image, Draw(round.NoiseRange, ref random) / 255, isGrey, ref random);
        else
            NoiseModel.AddPoisson(_image, Draw(round.PoissonScaleRange, ref random), isGrey, ref random);
    }

    private void CompressUnitRange(IReadOnlyList<int> qualities, ref SampleRandom random)
    {
        _image.WriteTo(255, _bytes);
        Compress(DrawInteger(qualities, ref random));
        _image.Load(_bytes, Whole(_bytes), _bytes.Channels, 1f / 255);
    }

    private void Compress(int quality) => (_jpeg ??= new JpegRoundTrip()).Apply(_bytes, quality);

    private void WriteBytes(int channels, Span<float> target) => FloatImage.Write(_bytes, Whole(_bytes), channels, 1f / 255, target);

    private static PixelWindow Whole(ImageBuffer image) => new(0, 0, image.Width, image.Height);
}
