using RobustTrain.Data;

namespace RobustTrain.Training.Checkpoints.Digests;

/// <summary>
/// Memory that begins and ends where a disk's blocks may. Much of it is of large pages where the system has some: a disk takes what is in
/// one piece in one request.
/// </summary>
internal sealed unsafe class AlignedMemory : IDisposable
{
    /// <summary>What a place in memory, or in a file, has to be a multiple of; no disk in use asks for more.</summary>
    public const int BlockBytes = 4096;

    private readonly int _length;
    private readonly PassingMemory _memory;

    /// <summary>Takes memory for at least so many bytes.</summary>
    public AlignedMemory(int length)
    {
        _length = RoundUp(length);
        _memory = new PassingMemory((nuint)_length);
    }

    /// <summary>The bytes.</summary>
    public Span<byte> Span => new(_memory.Start, _length);

    /// <summary>The least length of whole blocks that is not smaller.</summary>
    public static int RoundUp(int length) => (length + BlockBytes - 1) & -BlockBytes;

    /// <summary>Whether memory begins and ends where a disk's blocks may; nothing is no block.</summary>
    public static bool IsBlocks(ReadOnlySpan<byte> memory)
    {
        fixed (byte* start = memory)
            return memory.Length > 0 && memory.Length % BlockBytes == 0 && (nint)start % BlockBytes == 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
