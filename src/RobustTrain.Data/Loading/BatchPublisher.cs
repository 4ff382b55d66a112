namespace RobustTrain.Data.Loading;

/// <summary>Puts an epoch's batches into the ring, in order, as slots come free. Everything happens under the session's gate.</summary>
internal sealed unsafe class BatchPublisher(LoaderSession session, EpochPlan plan, SampleJudge judge, int startBatch)
{
    private int _next = startBatch;

    /// <summary>Publishes batches as long as there are free slots.</summary>
    public void Pump()
    {
        // Without workers nothing is loaded ahead, so nothing is published ahead.
        int limit = session.LoadsInPlace ? 1 : int.MaxValue;
        while (_next < plan.BatchCount && session.Ring.PublishedCount < limit && session.Slots.TryTake(out int slot))
        {
            int count = plan.CountOf(_next);
            SampleTask* tasks = session.Ring.Tasks(slot);
            plan.Write(_next, count, tasks);
            if (judge.KnowsQuarantined)
                WithholdQuarantined(tasks, count);
            _next++;
            session.Ring.Publish(slot, count);
        }
    }

    private void WithholdQuarantined(SampleTask* tasks, int count)
    {
        for (int position = 0; position < count; position++)
        {
            if (judge.IsQuarantined(tasks[position].Index))
                tasks[position].Attempt = SampleTask.NotToBeTried;
        }
    }
}
