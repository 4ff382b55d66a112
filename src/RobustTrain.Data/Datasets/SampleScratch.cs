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

    public void Dispose() => Reader.Dispose();
}
