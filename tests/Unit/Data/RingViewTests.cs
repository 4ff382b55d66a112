using System.Runtime.InteropServices;
using RobustTrain.Data;
using RobustTrain.Data.Loading;

namespace RobustTrain.Tests.Data;

/// <summary>Which of a shared ring's memory a worker touches, and what stays in its view.</summary>
public sealed unsafe class RingViewTests : IDisposable
{
    private const int Slots = 3;
    private const int Batch = 16;
    private const int Processors = 2;

    // Some pages a sample.
    private static readonly SlotLayout Layout = new([new FieldSpec("value", ElementType.UInt8, [4 * Environment.SystemPageSize])], Batch);

    private readonly SharedRingMemory _memory = new(new RingLayout(Slots, Batch, 4, Layout.Bytes));
    private readonly Ring _ring;

    public RingViewTests()
    {
        _ring = new Ring(_memory, Layout);
        _ring.Initialize(0, 1);
        _ring.Header->AliveWorkers = 2;
    }

    [Theory]
    [InlineData(1, 16)]
    [InlineData(3, 16)]
    [InlineData(16, 16)]
    [InlineData(1, 5)]
    [InlineData(4, 1)]
    public void Every_sample_is_found_once_whoever_looks_for_work(int chunk, int count)
    {
        Random chooser = new(chunk);
        for (int batch = 0; batch < 20; batch++)
        {
            int slot = batch % Slots;
            _ring.Publish(slot, count, chunk);
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

    [Fact]
    public void Two_workers_in_step_meet_in_the_middle()
    {
        _ring.Publish(0, Batch, 1);
        for (int turn = 0; turn < Batch / 2; turn++)
        {
            Assert.True(_ring.TryFindWork(1, out _, out int first, out _));
            Assert.True(_ring.TryFindWork(2, out _, out int last, out _));
            Assert.Equal((turn, Batch - 1 - turn), (first, last));
        }

        Assert.False(_ring.TryFindWork(1, out _, out _, out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_worker_that_comes_everywhere_keeps_its_own_half_in_view_and_no_byte_is_lost(int worker)
    {
        Load(worker);
        int half = Slots * Batch / 2;
        Assert.InRange(InView(), half, half + (Slots * Batch / 6));
        for (int sample = 0; sample < Slots * Batch; sample++)
            Assert.Equal((byte)(sample + 1), Sample(sample / Batch, sample % Batch)[0]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(Processors + 1)]
    public void A_lone_worker_and_more_workers_than_processors_keep_all_of_the_ring_in_view(int workers)
    {
        _ring.Header->AliveWorkers = workers;
        Load(1);
        Assert.Equal(Slots * Batch, InView());
    }

    public void Dispose() => _memory.Release();

    private void Load(int worker)
    {
        RingView view = new(_ring, worker, Processors);
        for (int sample = 0; sample < Slots * Batch; sample++)
        {
            Sample(sample / Batch, sample % Batch).Fill((byte)(sample + 1));
            view.Note(sample / Batch, sample % Batch);
        }
    }

    private Span<byte> Sample(int slot, int position) => _ring.Buffer(slot, position).Field<byte>(0);

    /// <summary>How many samples' memory this process has mapped, by the second page of each (proc_pid_pagemap(5)).</summary>
    private int InView()
    {
        using FileStream map = File.OpenRead("/proc/self/pagemap");
        byte[] entry = new byte[sizeof(ulong)];
        int count = 0;
        for (int sample = 0; sample < Slots * Batch; sample++)
        {
            fixed (byte* place = &Sample(sample / Batch, sample % Batch)[2 * Environment.SystemPageSize])
                map.Position = (nint)place / Environment.SystemPageSize * sizeof(ulong);
            map.ReadExactly(entry);
            count += (int)(MemoryMarshal.Read<ulong>(entry) >> 63);
        }

        return count;
    }
}
