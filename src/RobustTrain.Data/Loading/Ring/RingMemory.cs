using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using RobustTrain.Platform;

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

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
            Free();
    }

    protected abstract void Free();
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

    // Touching a large slot's small pages for the first time would take as long as converting its pixels; a system without large pages
    // costs speed and nothing else.
    private nint Allocate()
    {
        nuint bytes = (nuint)Layout.SlotBytes;
        bool isLarge = OperatingSystem.IsLinux() && bytes >= MemoryPages.HugePage;
        void* memory = NativeMemory.AlignedAlloc(bytes, isLarge ? MemoryPages.HugePage : SlotLayout.Alignment);
        if (isLarge)
            MemoryPages.PreferHuge(memory, bytes);
        return (nint)memory;
    }

    private SlotControl* Control(int slot) => (SlotControl*)(_control + Layout.ControlsOffset + (slot * Layout.ControlStride));
}

/// <summary>A ring that processes share.</summary>
internal sealed unsafe class SharedRingMemory : RingMemory
{
    private readonly SharedMemory _memory;
    private readonly List<IDisposable> _semaphores = [];

    /// <summary>Makes a ring.</summary>
    /// <exception cref="Win32Exception">There is not enough memory.</exception>
    public SharedRingMemory(RingLayout layout)
        : base(layout) => _memory = SharedMemory.Create("robusttrain-ring", layout.TotalBytes);

    /// <summary>Takes a share in another process's ring.</summary>
    /// <exception cref="Win32Exception">The other process is gone.</exception>
    public SharedRingMemory(RingLayout layout, string path)
        : base(layout) => _memory = SharedMemory.Open(path, layout.TotalBytes);

    public override byte* Base => _memory.Start;

    /// <summary>Where other processes of this user find the memory.</summary>
    public string Path => _memory.Path;

    /// <summary>A semaphore that goes with the memory; the same in all processes that share it.</summary>
    [SupportedOSPlatform("windows")]
    public SharedSemaphore Semaphore(string name)
    {
        SharedSemaphore semaphore = new($"{Path}-{name}");
        _semaphores.Add(semaphore);
        return semaphore;
    }

    protected override void Free()
    {
        foreach (IDisposable semaphore in _semaphores)
            semaphore.Dispose();
        _memory.Dispose();
    }
}

/// <summary>A slot's former memory, which abandoned threads may still write to; it is freed with its last reference.</summary>
internal sealed class CountedBlock(nint block, int references)
{
    private int _references = references;

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
            NativeRingMemory.FreeBlock(block);
    }
}
