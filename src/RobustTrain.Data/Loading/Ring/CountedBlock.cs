namespace RobustTrain.Data.Loading.Ring;

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
