using System.Runtime.InteropServices;
using RobustTrain.Data;

namespace RobustTrain.Tests.Training;

/// <summary>Delivers given labels, one sample of four pixels a batch.</summary>
internal sealed class LabelLoader(ElementType type, byte[][] labels) : IBatchLoader, IDataset
{
    public int Disposed { get; private set; }

    public IDataset Dataset => this;

    public int Count => labels.Length;

    public IReadOnlyList<FieldSpec> Fields { get; } = [new FieldSpec("label", type, [2, 2])];

    public string NameOf(int index) => $"sample {index}";

    public void Load(SampleKey key, SampleBuffer target) => throw new NotSupportedException();

    public IEnumerable<IBatch> ReadEpoch(int epoch, int startBatch = 0, CancellationToken stopping = default)
    {
        for (int index = startBatch; index < labels.Length; index++) yield return new Batch(this, index);
    }

    public void Dispose()
    {
    }

    private Array Elements(int index) => type == ElementType.UInt8 ? labels[index] : Array.ConvertAll(labels[index], value => (long)value);

    private sealed class Batch : IBatch
    {
        private readonly LabelLoader _loader;
        private readonly GCHandle _memory;

        public Batch(LabelLoader loader, int index)
        {
            _loader = loader;
            _memory = GCHandle.Alloc(loader.Elements(index), GCHandleType.Pinned);
            Index = index;
        }

        public int Index { get; }

        public IReadOnlyList<int> SampleIndices => [Index];

        public BatchField this[string field] => new(field, _loader.Fields[0].Type, [1, 2, 2], _memory.AddrOfPinnedObject());

        public void Dispose()
        {
            _memory.Free();
            _loader.Disposed++;
        }
    }
}
