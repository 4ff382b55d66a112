using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Degradation;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets;

/// <summary>
/// The scratch buffers of a dataset's threads, at most one for each thread that loads at the same time. They belong to no thread:
/// what threads that have ended keep would grow with every worker that was ever replaced.
/// </summary>
/// <param name="cache">Keeps decoded images; null for none.</param>
internal sealed class ScratchPool(ImageCache? cache = null) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<SampleScratch> _idle = [];
    private bool _disposed;

    /// <summary>Lends scratch buffers until the lease is disposed.</summary>
    public Lease Rent()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_idle.TryPop(out SampleScratch? scratch))
                return new Lease(this, scratch);
        }

        return new Lease(this, new SampleScratch(cache));
    }

    /// <summary>Ends those that nobody has; the others end when they are given back.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_idle.TryPop(out SampleScratch? scratch))
                scratch.Dispose();
        }
    }

    private void Return(SampleScratch scratch)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _idle.Push(scratch);
                return;
            }
        }

        scratch.Dispose();
    }

    /// <summary>Scratch buffers in use.</summary>
    public readonly struct Lease(ScratchPool pool, SampleScratch scratch) : IDisposable
    {
        /// <summary>The buffers.</summary>
        public SampleScratch Scratch => scratch;

        /// <inheritdoc/>
        public void Dispose() => pool.Return(scratch);
    }
}

/// <summary>What a thread keeps from sample to sample.</summary>
internal sealed class SampleScratch(ImageCache? cache) : IDisposable
{
    public ImageReader Reader { get; } = new() { Cache = cache };

    public BmpWindowReader Windows { get; } = new();

    public ImageBuffer Image { get; } = new();

    public ImageBuffer Label { get; } = new();

    public ImageBuffer Resized { get; } = new();

    public SquareResizer Squares { get; } = new();

    public ChangedPixels Changed { get; } = new();

    public Degrader Degrader { get; } = new();

    public UnsharpMask Sharpening { get; } = new();

    public void Dispose()
    {
        Reader.Dispose();
        Degrader.Dispose();
    }
}
