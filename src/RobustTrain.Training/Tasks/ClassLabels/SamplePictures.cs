using System.Runtime.InteropServices;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Configuration;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ClassLabels;

/// <summary>
/// Draws samples for people: the images, the truth and the prediction side by side. Of two classes the prediction shows what it found in
/// white, what it only believed to see in red, and what it missed in blue; of more it shows the classes in the colours of the truth.
/// </summary>
/// <param name="config">How pixels were normalised, and the classes.</param>
internal sealed class SamplePictures(TrainingConfig config)
{
    private const int Gap = 4;
    private static readonly (byte Red, byte Green, byte Blue) s_gap = (128, 128, 128);
    private static readonly (byte Red, byte Green, byte Blue) s_unknown = (64, 64, 64);
    private static readonly (byte Red, byte Green, byte Blue) s_found = (255, 255, 255);
    private static readonly (byte Red, byte Green, byte Blue) s_invented = (230, 30, 30);
    private static readonly (byte Red, byte Green, byte Blue) s_missed = (30, 90, 255);

    /// <summary>Draws each sample of a batch.</summary>
    /// <param name="images">What came in, each N x C x H x W.</param>
    /// <param name="label">The truth, N x H x W.</param>
    /// <param name="output">The logits, N x K x H x W.</param>
    public IReadOnlyList<ImageBuffer> Draw(IReadOnlyList<Tensor> images, Tensor label, Tensor output)
    {
        using IDisposable noGrad = no_grad();
        using IDisposable scope = NewDisposeScope();
        Tensor predicted = output.argmax(1).to(ScalarType.Int64).cpu().contiguous();
        Tensor truth = label.to(ScalarType.Int64).cpu().contiguous();
        Tensor[] seen = [.. images.Select(image => PixelBytes.Of(image, config.Data))];
        (int height, int width) = ((int)truth.shape[1], (int)truth.shape[2]);
        List<ImageBuffer> pictures = [];
        for (int sample = 0; sample < truth.shape[0]; sample++)
        {
            ImageBuffer picture = new();
            picture.SetSize(((seen.Length + 2) * (width + Gap)) - Gap, height, 3);
            for (int pixel = 0; pixel < picture.Width * height; pixel++)
                Set(picture.Pixels, pixel, s_gap);
            for (int image = 0; image < seen.Length; image++)
                Paste(picture, image * (width + Gap), seen[image], sample, height, width);
            ReadOnlySpan<long> known = MemoryMarshal.Cast<byte, long>(truth.bytes).Slice(sample * height * width, height * width);
            ReadOnlySpan<long> found = MemoryMarshal.Cast<byte, long>(predicted.bytes).Slice(sample * height * width, height * width);
            for (int pixel = 0; pixel < known.Length; pixel++)
            {
                int at = (pixel / width * picture.Width) + (pixel % width);
                Set(picture.Pixels, at + (seen.Length * (width + Gap)), Truth(known[pixel]));
                Set(picture.Pixels, at + ((seen.Length + 1) * (width + Gap)), Prediction(known[pixel], found[pixel]));
            }

            pictures.Add(picture);
        }

        return pictures;
    }

    private static void Set(Span<byte> pixels, int pixel, (byte Red, byte Green, byte Blue) color) =>
        (pixels[pixel * 3], pixels[(pixel * 3) + 1], pixels[(pixel * 3) + 2]) = color;

    private static void Paste(ImageBuffer picture, int left, Tensor images, int sample, int height, int width)
    {
        ReadOnlySpan<byte> bytes = images.bytes.Slice(sample * height * width * 3, height * width * 3);
        for (int y = 0; y < height; y++)
            bytes.Slice(y * width * 3, width * 3).CopyTo(picture.Row(y)[(left * 3)..]);
    }

    private (byte Red, byte Green, byte Blue) Truth(long known) =>
        known == config.Criterion.IgnoreIndex ? s_unknown : config.Model.Classes == 2 && known == 1 ? s_found : ClassColors.Of((int)known);

    private (byte Red, byte Green, byte Blue) Prediction(long known, long found) =>
        known == config.Criterion.IgnoreIndex ? s_unknown
        : config.Model.Classes != 2 ? ClassColors.Of((int)found)
        : (known, found) switch { (1, 1) => s_found, (0, 1) => s_invented, (1, 0) => s_missed, _ => ClassColors.Of(0) };
}
