using System.Runtime.InteropServices;
using RobustTrain.Data.Loading;

namespace RobustTrain.Data;

/// <summary>Loads batches ahead of their consumer with workers that may fail without a sample lost.</summary>
public sealed class PrefetchLoader : IBatchLoader
{
    private readonly LoaderOptions _options;
    private readonly SlotLayout _layout;

    /// <summary>Opens a loader over <paramref name="dataset"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public PrefetchLoader(IDataset dataset, LoaderOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1);
        Dataset = dataset;
        _options = options;
        _layout = new SlotLayout(dataset.Fields, options.BatchSize);
        BatchCount = new EpochPlan(dataset.Count, options, 0).BatchCount;
    }

    /// <inheritdoc/>
    public IDataset Dataset { get; }

    /// <inheritdoc/>
    public int BatchCount { get; }

    /// <inheritdoc/>
    public IEnumerable<IBatch> ReadEpoch(int epoch, int startBatch = 0, CancellationToken stopping = default)
    {
        EpochPlan plan = new(Dataset.Count, _options, epoch);
        for (int batch = startBatch; batch < plan.BatchCount; batch++)
        {
            stopping.ThrowIfCancellationRequested();
            yield return LoadInPlace(plan, epoch, batch);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private unsafe InPlaceBatch LoadInPlace(EpochPlan plan, int epoch, int batch)
    {
        int[] indices = new int[plan.CountOf(batch)];
        InPlaceBatch result = new(_layout, epoch, batch, indices);
        for (int position = 0; position < indices.Length; position++)
        {
            (int index, int keyEpoch) = plan[batch, position];
            indices[position] = index;
            Dataset.Load(new SampleKey(_options.Seed, keyEpoch, index), new SampleBuffer((byte*)result.Memory, _layout.Placements, position));
        }

        return result;
    }

    private sealed unsafe class InPlaceBatch(SlotLayout layout, int epoch, int index, int[] samples) : IBatch
    {
        public void* Memory { get; private set; } = NativeMemory.AlignedAlloc((nuint)layout.Bytes, SlotLayout.Alignment);

        public int Epoch => epoch;

        public int Index => index;

        public IReadOnlyList<int> SampleIndices => samples;

        public BatchField this[string field]
        {
            get
            {
                int place = layout.IndexOf(field);
                FieldSpec spec = layout.Fields[place];
                long[] shape = [samples.Length, .. spec.Shape.Select(size => (long)size)];
                return new BatchField(spec.Name, spec.Type, shape, (nint)Memory + (nint)layout.Placements[place].Offset);
            }
        }

        public void Dispose()
        {
            NativeMemory.AlignedFree(Memory);
            Memory = null;
        }
    }
}
