using System.Globalization;
using System.Runtime.InteropServices;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Configuration;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ClassLabels;

/// <summary>
/// Draws samples for people: the images, the truth and the prediction, and how sure it is. Of two classes the prediction shows what it found in
/// white, what it only believed to see in red, and what it missed in blue; of more it shows the classes in the colours of the truth.
/// </summary>
/// <param name="config">How pixels were normalised, and the classes.</param>
internal sealed class SamplePictures(TrainingConfig config)
{
    private static readonly (byte Red, byte Green, byte Blue) s_unknown = (64, 64, 64);
    private static readonly (byte Red, byte Green, byte Blue) s_found = (255, 255, 255);
    private static readonly (byte Red, byte Green, byte Blue) s_invented = (230, 30, 30);
    private static readonly (byte Red, byte Green, byte Blue) s_missed = (30, 90, 255);

    /// <summary>Draws each sample of a batch.</summary>
    /// <param name="images">What came in, each N x C x H x W.</param>
    /// <param name="label">The truth, N x H x W.</param>
    /// <param name="output">The logits, N x K x H x W.</param>
    public IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(IReadOnlyList<Tensor> images, Tensor label, Tensor output)
    {
        using IDisposable noGrad = no_grad();
        using IDisposable scope = NewDisposeScope();
        Tensor probabilities = nn.functional.softmax(output.to(ScalarType.Float32), 1);
        // As predictions have it: of pairs how probable another class than 0 is, of single images the class that is shown.
        Tensor scores = images.Count > 1 ? 1 - probabilities[TensorIndex.Colon, 0] : probabilities.amax([1]);
        Tensor certain = (scores * 255).round().clamp(0, 255).to(ScalarType.Byte).cpu().contiguous();
        Tensor predicted = output.argmax(1).to(ScalarType.Int64).cpu().contiguous();
        Tensor truth = label.to(ScalarType.Int64).cpu().contiguous();
        Tensor[] seen = [.. images.Select(image => PixelBytes.Of(image, config.Data))];
        (int height, int width) = ((int)truth.shape[1], (int)truth.shape[2]);
        List<IReadOnlyList<SamplePicture>> samples = [];
        for (int sample = 0; sample < truth.shape[0]; sample++)
        {
            ImageBuffer known = Blank(3);
            ImageBuffer found = Blank(3);
            ReadOnlySpan<long> labels = MemoryMarshal.Cast<byte, long>(truth.bytes).Slice(sample * height * width, height * width);
            ReadOnlySpan<long> classes = MemoryMarshal.Cast<byte, long>(predicted.bytes).Slice(sample * height * width, height * width);
            for (int pixel = 0; pixel < labels.Length; pixel++)
            {
                Set(known.Pixels, pixel, Truth(labels[pixel]));
                Set(found.Pixels, pixel, Prediction(labels[pixel], classes[pixel]));
            }

            samples.Add(
            [
                .. seen.Select((image, number) => new SamplePicture(seen.Length == 1 ? "input" : string.Create(CultureInfo.InvariantCulture, $"input{number + 1}"), Filled(image, 3))),
                new SamplePicture("truth", known), new SamplePicture("prediction", found), new SamplePicture("score", Filled(certain, 1)) { IsDetail = true },
            ]);

            ImageBuffer Filled(Tensor bytes, int channels)
            {
                ImageBuffer picture = Blank(channels);
                bytes.bytes.Slice(sample * picture.Pixels.Length, picture.Pixels.Length).CopyTo(picture.Pixels);
                return picture;
            }
        }

        return samples;

        ImageBuffer Blank(int channels)
        {
            ImageBuffer picture = new();
            picture.SetSize(width, height, channels);
            return picture;
        }
    }

    private static void Set(Span<byte> pixels, int pixel, (byte Red, byte Green, byte Blue) color) =>
        (pixels[pixel * 3], pixels[(pixel * 3) + 1], pixels[(pixel * 3) + 2]) = color;

    private (byte Red, byte Green, byte Blue) Truth(long known) =>
        known == config.Criterion.IgnoreIndex ? s_unknown : config.Model.Classes == 2 && known == 1 ? s_found : ClassColors.Of((int)known);

    private (byte Red, byte Green, byte Blue) Prediction(long known, long found) =>
        known == config.Criterion.IgnoreIndex ? s_unknown
        : config.Model.Classes != 2 ? ClassColors.Of((int)found)
        : (known, found) switch { (1, 1) => s_found, (0, 1) => s_invented, (1, 0) => s_missed, _ => ClassColors.Of(0) };
}
