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

/// <summary>Runs a network over images of any size, tile by tile, and hands out what it gives row by row.</summary>
/// <param name="task">What the network takes and gives.</param>
/// <param name="model">The network, in evaluation mode on <paramref name="device"/>.</param>
/// <param name="device">Where it is.</param>
/// <param name="normalization">How pixels become numbers.</param>
/// <param name="tile">The side of a tile, a multiple of the task's stride.</param>
/// <param name="overlap">The pixels that neighbours share.</param>
internal sealed class ImagePredictor(ITrainingTask task, nn.Module model, Device device, Normalization normalization, int tile, int overlap)
{
    private readonly SampleWriter _writer = new(normalization, AugmentationOptions.None);
    private readonly SquareResizer _squares = new();
    private readonly SampleField[] _inputs = [.. task.Fields.Where(field => field.Input is not null)];

    /// <summary>Takes a row of a map.</summary>
    /// <param name="classes">The most probable class of each pixel.</param>
    /// <param name="scores">Of pairs the probability that a pixel is of another class than 0; of single images that of its most probable class.</param>
    public delegate void RowTaker(ReadOnlySpan<byte> classes, ReadOnlySpan<float> scores);

    /// <summary>How many tiles an image has.</summary>
    public int CountTiles(int width, int height) => task.Prediction is PredictionForm.Label ? 1 : Axis(width).Tiles.Count * Axis(height).Tiles.Count;

    /// <summary>Predicts a map of classes.</summary>
    /// <param name="images">The network's input images, of one size.</param>
    /// <param name="take">Takes each row, from the top.</param>
    /// <param name="onTile">Is called after each tile.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <returns>What became of the pixels.</returns>
    public PixelTotals Run(IReadOnlyList<ImageBuffer> images, RowTaker take, Action onTile, CancellationToken stopping)
    {
        int classCount = ((PredictionForm.ClassMap)task.Prediction).ClassCount;
        PixelTotals totals = new(classCount);
        byte[] classes = new byte[images[0].Width];
        float[] scores = new float[images[0].Width];
        RunTiles(
            images,
            scale: 1,
            (blend, y) =>
            {
                Decide(blend, y, classCount, classes, scores, totals);
                take(classes, scores);
            },
            onTile,
            stopping);
        return totals;
    }

    /// <summary>Makes an image of an image.</summary>
    /// <param name="images">The network's input images, of one size.</param>
    /// <param name="take">Takes each row, from the top, channels interleaved.</param>
    /// <param name="onTile">Is called after each tile.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <returns>Whether the network gave numbers only.</returns>
    public bool RunPicture(IReadOnlyList<ImageBuffer> images, Action<byte[]> take, Action onTile, CancellationToken stopping)
    {
        bool isFinite = true;
        int scale = ((PredictionForm.Image)task.Prediction).Scale;
        byte[]? row = null;
        RunTiles(
            images,
            scale,
            (blend, y) =>
            {
                row ??= new byte[scale * images[0].Width * blend.Planes];
                for (int at = 0; at < row.Length; at++)
                {
                    float value = blend.At(at % blend.Planes, at / blend.Planes, y);
                    isFinite &= !float.IsNaN(value);
                    row[at] = (byte)MathF.Round(255 * Math.Clamp(value, 0, 1));
                }

                take(row);
            },
            onTile,
            stopping);
        return isFinite;
    }

    /// <summary>The probability of each class for a whole image, which is computed at once: brought to the task's size as evaluation does, where it has one.</summary>
    /// <param name="images">The network's input images, of one size.</param>
    public float[] RunLabel(IReadOnlyList<ImageBuffer> images)
    {
        if (task.ImageSide is int side)
            images = [.. images.Select(image => Squared(image, side))];
        using Tensor probabilities = Compute(images, new PixelWindow(0, 0, images[0].Width, images[0].Height), scale: 1);
        StepMemory.Collect();
        return MemoryMarshal.Cast<byte, float>(probabilities.bytes).ToArray();
    }

    private ImageBuffer Squared(ImageBuffer image, int side)
    {
        if ((image.Width, image.Height) == (side, side))
            return image;
        ImageBuffer target = new();
        _squares.Resize(image, PixelSquare.Central(image.Width, image.Height), target, side);
        return target;
    }

    private void RunTiles(IReadOnlyList<ImageBuffer> images, int scale, Action<TileBlend, int> takeRow, Action onTile, CancellationToken stopping)
    {
        (int width, int height) = (images[0].Width, images[0].Height);
        TileAxis columns = Axis(width);
        TileAxis rows = Axis(height);
        TileBlend? blend = null;
        for (int row = 0; row < rows.Tiles.Count; row++)
        {
            (int top, int tileHeight) = rows.Tiles[row];
            for (int column = 0; column < columns.Tiles.Count; column++)
            {
                stopping.ThrowIfCancellationRequested();
                (int left, int tileWidth) = columns.Tiles[column];
                using Tensor values = Compute(images, new PixelWindow(left, top, tileWidth, tileHeight), scale);
                blend ??= new TileBlend((int)values.shape[1], scale * width, scale * Math.Min(tile, height));
                if (blend.Top < scale * top && column == 0)
                    blend.MoveTo(scale * top);
                blend.Add(MemoryMarshal.Cast<byte, float>(values.bytes), scale * left, scale * top, columns.WeightsOf(column, scale), rows.WeightsOf(row, scale));
                onTile();
            }

            int next = row + 1 < rows.Tiles.Count ? rows.Tiles[row + 1].Start : height;
            for (int y = scale * top; y < scale * next; y++)
                takeRow(blend!, y);
        }

        StepMemory.Collect();
    }

    private TileAxis Axis(int length) => new(length, tile, overlap, task.Stride);

    private void Decide(TileBlend blend, int y, int count, byte[] classes, float[] scores, PixelTotals totals)
    {
        for (int x = 0; x < classes.Length; x++)
        {
            (int best, float highest) = (0, blend.At(0, x, y));
            float none = highest;
            for (int c = 1; c < count; c++)
            {
                float probability = blend.At(c, x, y);
                if (probability > highest)
                    (best, highest) = (c, probability);
            }

            classes[x] = (byte)best;
            scores[x] = _inputs.Length > 1 ? 1 - none : highest;
            totals.Add(best, highest);
        }
    }

    // What the task says of the window, on the CPU, dense: 1 x K x H x W, or 1 x K.
    private Tensor Compute(IReadOnlyList<ImageBuffer> images, PixelWindow window, int scale)
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
        Tensor values = task.Predict(task.Forward(model, batch));
        if (task.Prediction is not PredictionForm.Label)
            values = values.narrow(2, 0, scale * window.Height).narrow(3, 0, scale * window.Width);
        return values.to(ScalarType.Float32).cpu().contiguous().MoveToOuterDisposeScope();
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
/// <param name="classes">The classes.</param>
internal sealed class PixelTotals(int classes)
{
    private readonly long[] _counts = new long[classes];
    private double _confidence;

    /// <summary>The pixels.</summary>
    public long Pixels => _counts.Sum();

    /// <summary>The pixels of each class.</summary>
    public IReadOnlyList<long> Counts => _counts;

    /// <summary>Those whose most probable class is another than 0.</summary>
    public long Changed => Pixels - _counts[0];

    /// <summary>The mean probability of each pixel's most probable class; NaN where the network gave one.</summary>
    public double MeanConfidence => _confidence / Pixels;

    /// <summary>Counts a pixel.</summary>
    public void Add(int chosen, float probability)
    {
        _counts[chosen]++;
        _confidence += probability;
    }
}
