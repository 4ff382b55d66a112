namespace RobustTrain.Data.Loading;

/// <summary>Puts an epoch's batches into the ring, in order, as slots come free. Everything happens under the session's gate.</summary>
internal sealed unsafe class BatchPublisher(LoaderSession session, EpochPlan plan, SampleJudge judge, ChunkReview chunks, int startBatch)
{
    private readonly Queue<int> _published = new(session.Ring.SlotCount);
    private int _next = startBatch;

    /// <summary>The slot of the first batch that is not delivered; -1 where none is published.</summary>
    public int Head => _published.TryPeek(out int slot) ? slot : -1;

    /// <summary>Takes the first batch off.</summary>
    public void Advance()
    {
        _published.Dequeue();
        session.Ring.Advance();
    }

    /// <summary>Publishes batches as long as there are free slots.</summary>
    public void Pump()
    {
        // Without workers nothing is loaded ahead, so nothing is published ahead.
        int limit = session.LoadsInPlace ? 1 : int.MaxValue;
        while (_next < plan.BatchCount && _published.Count < limit && session.Slots.TryTake(out int slot))
        {
            int count = plan.CountOf(_next);
            SampleTask* tasks = session.Ring.Tasks(slot);
            for (int position = 0; position < count; position++)
            {
                (int index, int keyEpoch) = plan[_next, position];
                tasks[position].Index = index;
                tasks[position].KeyEpoch = keyEpoch;
                tasks[position].Attempt = judge.IsQuarantined(index) ? SampleTask.NotToBeTried : 0;
            }

            _published.Enqueue(slot);
            _next++;
            session.Ring.Publish(slot, count, chunks.For(count));
        }
    }
}
