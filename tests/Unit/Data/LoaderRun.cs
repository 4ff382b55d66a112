using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Tests.Data;

/// <summary>What a loader delivered, seen from outside.</summary>
internal sealed record LoaderRun(List<int> Indices, List<long> Values, EpochLedger Ledger, LoaderStatistics Statistics, List<LoaderEvent> Events)
{
    /// <summary>Goes through an epoch, and reads every value out of the batches' memory.</summary>
    public static LoaderRun Of(IDataset dataset, LoaderOptions options, int epoch = 0, int startBatch = 0, Action<EpochStream, IBatch>? onBatch = null)
    {
        List<LoaderEvent> events = [];
        using PrefetchLoader loader = new(dataset, options with { Observer = loaderEvent => { lock (events) events.Add(loaderEvent); } });
        return Of(loader, events, epoch, startBatch, onBatch);
    }

    public static unsafe LoaderRun Of(PrefetchLoader loader, List<LoaderEvent> events, int epoch = 0, int startBatch = 0, Action<EpochStream, IBatch>? onBatch = null)
    {
        List<int> indices = [];
        List<long> values = [];
        using EpochStream stream = loader.Open(epoch, startBatch);
        int expected = startBatch;
        while (stream.MoveNext())
        {
            using IBatch batch = stream.Current;
            Assert.True(batch.Index >= expected);
            expected = batch.Index + 1;
            onBatch?.Invoke(stream, batch);
            BatchField field = batch["value"];
            Assert.Equal(0, field.Address % 64);
            Assert.Equal(batch.SampleIndices.Count, field.Shape[0]);
            indices.AddRange(batch.SampleIndices);
            values.AddRange(new ReadOnlySpan<long>((void*)field.Address, batch.SampleIndices.Count));
        }

        lock (events)
            return new LoaderRun(indices, values, stream.Ledger, stream.Statistics, [.. events]);
    }

    /// <summary>That every sample is there once, in the order of the plan, with its own value.</summary>
    public LoaderRun MustBeWhole(IDataset dataset, LoaderOptions options, int epoch = 0)
    {
        EpochPlan plan = new(dataset.Count, options, epoch);
        int[] expected = [.. Enumerable.Range(0, plan.BatchCount).SelectMany(batch => Enumerable.Range(0, plan.CountOf(batch)).Select(position => plan[batch, position].Index))];
        Assert.Equal(expected, Indices);
        Assert.Equal(expected.Select(index => (long)index), Values);
        Assert.Equal(expected.Length, Ledger.Delivered);
        Assert.Equal(0, Ledger.Skipped);
        Assert.Equal(expected.Length, Ledger.DeliveredBy.Values.Sum());
        return this;
    }
}
