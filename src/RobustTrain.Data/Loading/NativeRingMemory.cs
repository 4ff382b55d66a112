using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading;

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
