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
            switch (judge.KnowsFailures ? Judge(task) : InPlaceVerdict.Here)
            {
                case InPlaceVerdict.Here:
                    if (session.InPlace.LoadInPlace(slot, position) is SampleException failure)
                        OnFailed(task, failure);
                    break;
                case InPlaceVerdict.Aside:
                    LoadAside(task, slot, position);
                    break;
                default:
                    Volatile.Write(ref task->Status, TaskStatus.Skipped);
                    break;
            }
        }
    }

    private void LoadAside(SampleTask* task, int slot, int position)
    {
        try
        {
            if (session.Trials.Load(slot, position, stopping) is SampleException failure)
                OnFailed(task, failure);
            else
                session.InPlace.FinishInPlace(task);
        }
        catch (TimeoutException exception)
        {
            lock (session.Gate)
                Settle(task, judge.OnLost(task->Index, task->KeyEpoch, "beside the trainer", exception.Message, WorkerLoss.Stall));
        }
        catch (OperationCanceledException)
        {
            Volatile.Write(ref task->Status, TaskStatus.Pending);
            throw;
        }
    }

    private InPlaceVerdict Judge(SampleTask* task)
    {
        lock (session.Gate)
            return judge.JudgeInPlace(task->Index, task->KeyEpoch);
    }

    private void OnFailed(SampleTask* task, SampleException failure)
    {
        lock (session.Gate)
            Settle(task, judge.OnFailed(task->Index, task->KeyEpoch, "trainer", failure));
    }

    private static void Settle(SampleTask* task, bool isGivenUp)
    {
        task->Attempt++;
        Volatile.Write(ref task->Status, isGivenUp ? TaskStatus.Skipped : TaskStatus.Pending);
    }
}
