namespace RobustTrain.Data.Loading;

/// <summary>Loads batches in the consumer's thread, where there are no workers or no more of them.</summary>
internal sealed unsafe class InPlaceLoading(LoaderSession session, SampleJudge judge, CancellationToken stopping)
{
    /// <summary>Loads what is left of a batch.</summary>
    /// <exception cref="OperationCanceledException">The stream was to stop.</exception>
    public void Load(int slot)
    {
        long start = session.InPlace.BeginInPlace();
        try
        {
            LoadSamples(slot);
        }
        finally
        {
            session.InPlace.EndInPlace(start);
        }
    }

    private void LoadSamples(int slot)
    {
        int count = session.Ring.Control(slot)->Count;
        SampleTask* tasks = session.Ring.Tasks(slot);
        for (int position = 0; position < count; position++)
        {
            stopping.ThrowIfCancellationRequested();
            SampleTask* task = &tasks[position];
            if (!session.Ring.TryClaim(task, LoaderSession.ConsumerCell))
                continue;
            if (judge.KnowsFailures && !MayLoad(task))
                continue;
            SampleException? failure = session.InPlace.LoadInPlace(slot, position);
            if (failure is null)
                continue;
            lock (session.Gate)
            {
                bool bad = judge.OnFailed(task->Index, task->KeyEpoch, "trainer", failure.Path, failure.Message);
                task->Attempt++;
                Volatile.Write(ref task->Status, bad ? TaskStatus.Skipped : TaskStatus.Pending);
            }
        }
    }

    private bool MayLoad(SampleTask* task)
    {
        lock (session.Gate)
        {
            if (judge.MayLoadInPlace(task->Index, task->KeyEpoch))
                return true;
            Volatile.Write(ref task->Status, TaskStatus.Skipped);
            return false;
        }
    }
}
