using System.ComponentModel;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Ring;

/// <summary>A ring that processes share.</summary>
internal sealed unsafe class SharedRingMemory : RingMemory
{
    private readonly SharedMemory _memory;

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

    protected override void Free() => _memory.Dispose();
}
