using RobustTrain.Data;

namespace RobustTrain.Tests.Data;

/// <summary>Integers whose loading waits until it is opened.</summary>
internal sealed class BlockedDataset(int count) : IDataset, IDisposable
{
    public ManualResetEventSlim Open { get; } = new();

    public ManualResetEventSlim Entered { get; } = new();

    public int Count => count;

    public IReadOnlyList<FieldSpec> Fields { get; } = [new FieldSpec("value", ElementType.Int64, [1])];

    public string NameOf(int index) => $"number {index}";

    public void Load(SampleKey key, SampleBuffer target)
    {
        Entered.Set();
        Open.Wait();
        target.Field<long>(0)[0] = key.Index;
    }

    public void Dispose() => Open.Set();
}
