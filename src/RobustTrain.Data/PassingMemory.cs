using System.Runtime.InteropServices;
using RobustTrain.Data.Loading;
using RobustTrain.Platform;

namespace RobustTrain.Data;

/// <summary>
/// Memory that goes back to the system at once when it is freed, of large pages where there is much of it and the system has some: what
/// passing threads take from the C library would stay with each one's arena.
/// </summary>
public sealed unsafe class PassingMemory : IDisposable
{
    private readonly nuint _mappedBytes;
    private void* _mapped;

    /// <summary>Takes memory, which begins with a page.</summary>
    /// <param name="bytes">Its size.</param>
    /// <exception cref="OutOfMemoryException">There is not so much memory.</exception>
    public PassingMemory(nuint bytes)
    {
        if (!OperatingSystem.IsLinux())
        {
            Start = _mapped = NativeMemory.AlignedAlloc(bytes, (nuint)Environment.SystemPageSize);
            return;
        }

        bool isLarge = bytes >= MemoryPages.HugePage;
        // There is no mapping of nothing.
        _mappedBytes = isLarge ? bytes + MemoryPages.HugePage : Math.Max(bytes, 1);
        _mapped = MemoryPages.Map(_mappedBytes);
        Start = _mapped;
        if (isLarge)
        {
            Start = (byte*)_mapped + (-(nint)_mapped & (nint)(MemoryPages.HugePage - 1));
            MemoryPages.PreferHuge(Start, bytes);
        }
    }

    /// <summary>Where it begins.</summary>
    public void* Start { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_mapped is null)
            return;
        if (_mappedBytes > 0)
            MemoryPages.Unmap(_mapped, _mappedBytes);
        else
            NativeMemory.AlignedFree(_mapped);
        Start = _mapped = null;
    }
}
