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

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
            Free();
    }

    protected abstract void Free();
}
