using System.Runtime.InteropServices;
using RobustTrain.Data;

namespace RobustTrain.Bench.TrainingStep;

/// <summary>Random image pairs in memory, and one batch of them that can be taken again and again.</summary>
internal sealed unsafe class MemoryBatches(int batch, int side) : IDataset
{
    public int Count => batch;

    public IReadOnlyList<FieldSpec> Fields { get; } =
    [
        new("image1", ElementType.Float32, [3, side, side]),
        new("image2", ElementType.Float32, [3, side, side]),
        new("label", ElementType.Int64, [side, side]),
    ];

    public string NameOf(int index) => $"{index}";

    public void Load(SampleKey key, SampleBuffer target)
    {
        Random random = new(key.Index);
        foreach (int field in (int[])[0, 1])
        {
            foreach (ref float value in target.Field<float>(field))
                value = random.NextSingle();
        }

        foreach (ref long value in target.Field<long>(2))
            value = random.Next(2);
    }

    /// <summary>Samples as a batch, or as a rank's part of one, in memory of its own, which stays for the life of the process.</summary>
    /// <param name="first">The part's first position in the batch.</param>
    /// <param name="count">Its samples.</param>
    public IBatch Batch(int first, int count) => new Held(this, first, count);

    private sealed class Held : IBatch
    {
        private readonly Dictionary<string, BatchField> _fields = [];
        private readonly int _first;

        public Held(MemoryBatches source, int first, int count)
        {
            _first = first;
            Random random = new(0);
            foreach (FieldSpec field in source.Fields)
            {
                long[] shape = [count, .. field.Shape.Select(size => (long)size)];
                long elements = shape.Aggregate((a, b) => a * b);
                int size = field.Type == ElementType.Float32 ? 4 : 8;
                nint memory = (nint)NativeMemory.AlignedAlloc((nuint)(elements * size), 64);
                for (long i = 0; i < elements; i++)
                {
                    if (field.Type == ElementType.Float32)
                        ((float*)memory)[i] = random.NextSingle();
                    else
                        ((long*)memory)[i] = random.Next(2);
                }

                _fields[field.Name] = new BatchField(field.Name, field.Type, shape, memory);
            }

            SampleIndices = [.. Enumerable.Range(first, count)];
        }

        public int Index => 0;

        public IReadOnlyList<int> SampleIndices { get; }

        public BatchField this[string field] => _fields[field];

        public int PositionOf(int sample) => _first + sample;

        public void Dispose()
        {
            // The next step takes the same memory.
        }
    }
}
