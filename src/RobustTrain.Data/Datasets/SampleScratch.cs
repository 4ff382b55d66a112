using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets;

/// <summary>What a thread keeps from sample to sample.</summary>
internal sealed class SampleScratch : IDisposable
{
    public ImageReader Reader { get; } = new();

    public BmpWindowReader Windows { get; } = new();

    public ImageBuffer Image { get; } = new();

    public ImageBuffer Label { get; } = new();

    public ImageBuffer Resized { get; } = new();

    public ChangedPixels Changed { get; } = new();

    /// <summary>Decodes an image into <see cref="Image"/>.</summary>
    /// <param name="writer">What writes it into a sample.</param>
    /// <param name="path">The file.</param>
    /// <param name="isWritten">Whether the writer takes it as it is; if not, something else reads its pixels first.</param>
    public void DecodeFor(SampleWriter writer, string path, bool isWritten)
    {
        if (isWritten && writer.ReadsPlanes)
            Reader.DecodePlanes(path, Image);
        else
            Reader.Decode(path, Image);
    }

    public void Dispose() => Reader.Dispose();
}
