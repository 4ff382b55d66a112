using System.ComponentModel;

namespace RobustTrain.Data.Loading;

/// <summary>
/// A ring that processes share, in anonymous memory of the kernel (memfd): it has no name in /dev/shm whose size could be too small
/// or that could be left behind, and it is gone with the last process that has it.
/// </summary>
internal sealed unsafe class SharedRingMemory : RingMemory
{
    private readonly byte* _base;
    private int _descriptor;

    /// <summary>Makes a ring.</summary>
    /// <exception cref="Win32Exception">There is not enough memory.</exception>
    public SharedRingMemory(RingLayout layout)
        : base(layout)
    {
        _descriptor = LinuxNative.CreateMemory("robusttrain-ring", layout.TotalBytes);
        try
        {
            _base = LinuxNative.Map(_descriptor, layout.TotalBytes);
        }
        catch (Win32Exception)
        {
            _ = LinuxNative.Close(_descriptor);
            throw;
        }
    }

    /// <summary>Takes a share in another process's ring.</summary>
    /// <exception cref="Win32Exception">The other process is gone.</exception>
    public SharedRingMemory(RingLayout layout, string path)
        : base(layout)
    {
        int descriptor = LinuxNative.OpenReadWrite(path);
        _base = LinuxNative.Map(descriptor, layout.TotalBytes);
        _ = LinuxNative.Close(descriptor);
        _descriptor = -1;
    }

    public override byte* Base => _base;

    /// <summary>Where other processes of this user find the memory.</summary>
    public string Path => $"/proc/{Environment.ProcessId}/fd/{_descriptor}";

    protected override void Free()
    {
        _ = LinuxNative.Unmap(_base, (nuint)Layout.TotalBytes);
        if (_descriptor >= 0)
            _ = LinuxNative.Close(_descriptor);
        _descriptor = -1;
    }
}
