namespace RobustTrain.Data.Loading;

/// <summary>A slot's former memory, which several abandoned threads may still write to; the last of them frees it.</summary>
internal sealed class SharedBlock(nint block, int heirs)
{
    private int _heirs = heirs;

    public void Leave()
    {
        if (Interlocked.Decrement(ref _heirs) == 0)
            NativeRingMemory.FreeBlock(block);
    }
}
