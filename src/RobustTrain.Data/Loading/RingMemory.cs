using System.ComponentModel;

namespace RobustTrain.Data.Loading;

/// <summary>
/// The memory of a ring, which lives as long as anybody uses it: the loader, a batch in the consumer's hands, a worker that is still writing.
/// </summary>
internal abstract unsafe class RingMemory(RingLayout layout)
{
    private int _references = 1;

    public RingLayout Layout => layout;

    /// <summary>The header's address.</summary>
    public abstract byte* Base { get; }

    /// <summary>Takes the memory of a ring.</summary>
    /// <exception cref="LoaderException">It is more than there is.</exception>
    public static RingMemory Reserve(RingLayout layout, bool isShared)
    {
        Check(layout, isShared);
        try
        {
            return isShared ? new SharedRingMemory(layout) : new NativeRingMemory(layout);
        }
        catch (Exception exception) when (exception is OutOfMemoryException or Win32Exception)
        {
            throw TooLarge(layout, isShared, exception.Message, exception);
        }
    }

    /// <summary>Checks that the memory of a ring is there, and takes none of it.</summary>
    /// <exception cref="LoaderException">It is more than there is.</exception>
    public static void Check(RingLayout layout, bool isShared)
    {
        long available = HostMemory.AvailableBytes();
        if (layout.TotalBytes > available)
            throw TooLarge(layout, isShared, $"{available / 1048576.0:F0} MiB are available", null);
    }

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
            Free();
    }

    protected abstract void Free();

    private static LoaderException TooLarge(RingLayout layout, bool isShared, string reason, Exception? cause) => new(
        $"The loader's ring of {layout.SlotCount} slots of {layout.SlotBytes / 1048576.0:F1} MiB does not fit into {(isShared ? "shared memory" : "memory")}: {reason}; a shorter prefetch queue or a smaller batch needs less.",
        cause);
}
