using RobustTrain.Data;
using RobustTrain.Data.Loading.Ring;

namespace RobustTrain.Tests.Data;

/// <summary>How workers find samples in a ring.</summary>
public sealed unsafe class RingTests : IDisposable
{
    private const int Slots = 3;
    private const int Batch = 100;

    private static readonly SlotLayout Layout = new([new FieldSpec("value", ElementType.UInt8, [4])], Batch);

    private readonly SharedRingMemory _memory = new(new RingLayout(Slots, Batch, 4, Layout.Bytes));
    private readonly SampleRing _ring;

    public RingTests()
    {
        _ring = new SampleRing(_memory, Layout);
        _ring.Initialize(0, 1);
        _ring.Header->AliveWorkers = 2;
    }

    [Theory]
    [InlineData(16)]
    [InlineData(5)]
    [InlineData(1)]
    [InlineData(100)]
    public void Every_sample_is_found_once_whoever_looks_for_work(int count)
    {
        Random chooser = new(count);
        for (int batch = 0; batch < 20; batch++)
        {
            int slot = batch % Slots;
            _ring.Publish(slot, count);
            List<int> found = [];
            while (_ring.TryFindWork(chooser.Next(1, 4), out int where, out int from, out int to))
            {
                for (int position = from; position < to; position++)
                {
                    if (_ring.TryClaim(&_ring.Tasks(where)[position], 1))
                        found.Add(position);
                }
            }

            Assert.Equal(Enumerable.Range(0, count), found.Order());
            _ring.Advance();
        }
    }

    public void Dispose() => _memory.Release();
}
