using System.Runtime.InteropServices;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training.Prediction;

/// <summary>Runs a network over images of any size, tile by tile, and hands out the classes row by row.</summary>
/// <param name="task">What the network takes and gives.</param>
/// <param name="model">The network, in evaluation mode on <paramref name="device"/>.</param>
/// <param name="device">Where it is.</param>
/// <param name="normalization">How pixels become numbers.</param>
/// <param name="tile">The side of a tile, a multiple of the task's stride.</param>
/// <param name="overlap">The pixels that neighbours share.</param>
internal sealed class ImagePredictor(ITrainingTask task, nn.Module model, Device device, Normalization normalization, int tile, int overlap)
{
    private readonly SampleWriter _writer = new(normalization, AugmentationOptions.None);
    private readonly SampleField[] _inputs = [.. task.Fields.Where(field => field.Input is not null)];

    /// <summary>Takes a row of an image.</summary>
    /// <param name="classes">The most probable class of each pixel.</param>
    /// <param name="scores">The probability that a pixel is of another class than 0.</param>
    public delegate void RowTaker(ReadOnlySpan<byte> classes, ReadOnlySpan<float> scores);

    /// <summary>How many tiles an image has.</summary>
    public int CountTiles(int width, int height) => Axis(width).Tiles.Count * Axis(height).Tiles.Count;

    /// <summary>Predicts.</summary>
    /// <param name="images">The network's input images, of one size.</param>
    /// <param name="take">Takes each row, from the top.</param>
    /// <param name="onTile">Is called after each tile.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <returns>What became of the pixels.</returns>
    public PixelTotals Run(IReadOnlyList<ImageBuffer> images, RowTaker take, Action onTile, CancellationToken stopping)
    {
        (int width, int height) = (images[0].Width, images[0].Height);
        TileAxis columns = Axis(width);
        TileAxis rows = Axis(height);
        TileBlend? blend = null;
        PixelTotals totals = new();
        int classCount = ((PredictionForm.ClassMap)task.Prediction).ClassCount;
        byte[] classes = new byte[width];
        float[] scores = new float[width];
        for (int row = 0; row < rows.Tiles.Count; row++)
        {
            (int top, int tileHeight) = rows.Tiles[row];
            for (int column = 0; column < columns.Tiles.Count; column++)
            {
                stopping.ThrowIfCancellationRequested();
                (int left, int tileWidth) = columns.Tiles[column];
                using Tensor probabilities = Compute(images, new PixelWindow(left, top, tileWidth, tileHeight));
                blend ??= new TileBlend((int)probabilities.shape[1], width, Math.Min(tile, height));
                if (blend.Top < top && column == 0)
                    blend.MoveTo(top);
                blend.Add(MemoryMarshal.Cast<byte, float>(probabilities.bytes), left, top, columns.WeightsOf(column), rows.WeightsOf(row));
                onTile();
            }

            int next = row + 1 < rows.Tiles.Count ? rows.Tiles[row + 1].Start : height;
            for (int y = top; y < next; y++)
            {
                Decide(blend!, y, classCount, classes, scores, totals);
                take(classes, scores);
            }
        }

        StepMemory.Collect();
        return totals;
    }

    private TileAxis Axis(int length) => new(length, tile, overlap, task.Stride);

    private static void Decide(TileBlend blend, int y, int count, byte[] classes, float[] scores, PixelTotals totals)
    {
        for (int x = 0; x < classes.Length; x++)
        {
            (int best, float highest) = (0, blend.At(0, x, y));
            scores[x] = 1 - highest;
            for (int c = 1; c < count; c++)
            {
                float probability = blend.At(c, x, y);
                if (probability > highest)
                    (best, highest) = (c, probability);
            }

            classes[x] = (byte)best;
            totals.Add(best, highest);
        }
    }

    // 1 x K x H x W on the CPU, dense.
    private Tensor Compute(IReadOnlyList<ImageBuffer> images, PixelWindow window)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        (int height, int width) = task.PaddedSize(window.Height, window.Width);
        List<KeyValuePair<string, Tensor>> fields = [];
        for (int input = 0; input < _inputs.Length; input++)
        {
            Tensor image = Read(images[input], window);
            if ((height, width) != (window.Height, window.Width))
                image = nn.functional.pad(image, (0, width - window.Width, 0, height - window.Height), PaddingModes.Replicate);
            fields.Add(KeyValuePair.Create(_inputs[input].Name, image.to(device)));
        }

        using BatchTensors batch = BatchTensors.Of(fields);
        if (device.type == DeviceType.CPU)
            batch.LayChannelsLast();
        Tensor probabilities = task.Predict(task.Forward(model, batch))
            .narrow(2, 0, window.Height).narrow(3, 0, window.Width);
        return probabilities.to(ScalarType.Float32).cpu().contiguous().MoveToOuterDisposeScope();
    }

    private Tensor Read(ImageBuffer image, PixelWindow window)
    {
        Tensor values = empty(1, normalization.Channels, window.Height, window.Width);
        SampleRandom unused = default;
        _writer.WriteImage(image, window, ref unused, MemoryMarshal.Cast<byte, float>(values.bytes));
        return values;
    }
}

/// <summary>What became of an image's pixels.</summary>
internal sealed class PixelTotals
{
    private double _confidence;

    /// <summary>The pixels.</summary>
    public long Pixels { get; private set; }

    /// <summary>Those whose most probable class is another than 0.</summary>
    public long Changed { get; private set; }

    /// <summary>The mean probability of each pixel's most probable class; NaN where the network gave one.</summary>
    public double MeanConfidence => _confidence / Pixels;

    /// <summary>Counts a pixel.</summary>
    public void Add(int chosen, float probability)
    {
        Pixels++;
        Changed += chosen == 0 ? 0 : 1;
        _confidence += probability;
    }
}
