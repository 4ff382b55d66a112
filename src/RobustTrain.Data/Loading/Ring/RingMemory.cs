using System.ComponentModel;
using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading.Ring;

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

/// <summary>A ring for threads. Each slot's memory is a block of its own, so that one that an abandoned thread may still write to can be given up.</summary>
internal sealed unsafe class NativeRingMemory : RingMemory
{
    private readonly byte* _control;
    private readonly nint[] _blocks;

    /// <exception cref="OutOfMemoryException">The ring does not fit into memory.</exception>
    public NativeRingMemory(RingLayout layout)
        : base(layout)
    {
        _control = (byte*)NativeMemory.AlignedAlloc((nuint)layout.ControlBytes, SlotLayout.Alignment);
        NativeMemory.Clear(_control, (nuint)layout.ControlBytes);
        _blocks = new nint[layout.SlotCount];
        for (int slot = 0; slot < _blocks.Length; slot++)
        {
            _blocks[slot] = Allocate();
            Control(slot)->DataAddress = _blocks[slot];
        }
    }

    public override byte* Base => _control;

    /// <summary>Gives a slot new memory with the same bytes; the old block, which is the caller's to free.</summary>
    public nint Replace(int slot)
    {
        nint old = _blocks[slot];
        _blocks[slot] = Allocate();
        NativeMemory.Copy((void*)old, (void*)_blocks[slot], (nuint)Layout.SlotBytes);
        Control(slot)->DataAddress = _blocks[slot];
        return old;
    }

    public static void FreeBlock(nint block) => NativeMemory.AlignedFree((void*)block);

    protected override void Free()
    {
        foreach (nint block in _blocks)
            FreeBlock(block);
        NativeMemory.AlignedFree(_control);
    }

    // Touching a large slot's small pages for the first time would take as long as converting its pixels.
    private nint Allocate() => (nint)LargePages.Allocate((nuint)Layout.SlotBytes, SlotLayout.Alignment);

    private SlotControl* Control(int slot) => (SlotControl*)(_control + Layout.ControlsOffset + (slot * Layout.ControlStride));
}
