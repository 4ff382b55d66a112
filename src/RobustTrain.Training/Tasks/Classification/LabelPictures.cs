using System.Globalization;
using System.Runtime.InteropServices;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks.ClassLabels;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.Classification;

/// <summary>Draws samples for people: the image, its class, and below it what was found, green where that is right and red where it is wrong.</summary>
/// <param name="config">How pixels were normalised, and the classes' names.</param>
internal sealed class LabelPictures(TrainingConfig config)
{
    private const int LeastWidth = 192;
    private const int Line = StrokeText.Height + 3;
    private static readonly (byte Red, byte Green, byte Blue) s_truth = (230, 230, 230);
    private static readonly (byte Red, byte Green, byte Blue) s_right = (80, 220, 120);
    private static readonly (byte Red, byte Green, byte Blue) s_wrong = (255, 90, 90);

    /// <summary>Draws each sample of a batch.</summary>
    /// <param name="images">N x C x H x W, normalised.</param>
    /// <param name="labels">The N classes.</param>
    /// <param name="shares">The probabilities, N x K.</param>
    public IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(Tensor images, long[] labels, float[] shares)
    {
        using Tensor bytes = PixelBytes.Of(images, config.Data);
        (int height, int width) = ((int)bytes.shape[1], (int)bytes.shape[2]);
        int scale = Math.Max(1, LeastWidth / width);
        List<IReadOnlyList<SamplePicture>> pictures = [];
        for (int sample = 0; sample < labels.Length; sample++)
        {
            ReadOnlySpan<float> found = shares.AsSpan(sample * config.Model.Classes, config.Model.Classes);
            int best = 0;
            for (int c = 1; c < found.Length; c++)
                best = found[c] > found[best] ? c : best;
            ImageBuffer picture = new();
            picture.SetSize(Math.Max(LeastWidth, width * scale), (height * scale) + (2 * Line) + 3, 3);
            picture.Pixels.Clear();
            ReadOnlySpan<byte> pixels = bytes.bytes.Slice(sample * height * width * 3, height * width * 3);
            for (int y = 0; y < height * scale; y++)
            {
                for (int x = 0; x < width * scale; x++)
                    pixels.Slice(((y / scale * width) + (x / scale)) * 3, 3).CopyTo(picture.Row(y)[(x * 3)..]);
            }

            int top = (height * scale) + 3;
            StrokeText.Draw(picture, $"true: {ConfusionPicture.NameOf(config.Model, (int)labels[sample])}", 3, top, s_truth);
            string said = string.Create(CultureInfo.InvariantCulture, $"found: {ConfusionPicture.NameOf(config.Model, best)} {found[best]:0.00}");
            StrokeText.Draw(picture, said, 3, top + Line, best == labels[sample] ? s_right : s_wrong);
            ImageBuffer input = new();
            input.SetSize(width, height, 3);
            pixels.CopyTo(input.Pixels);
            pictures.Add([new SamplePicture("input", input) { IsDetail = true }, new SamplePicture("prediction", picture)]);
        }

        return pictures;
    }
}
