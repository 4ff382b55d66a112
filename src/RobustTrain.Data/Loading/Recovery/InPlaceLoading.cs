using System.Diagnostics;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Data.Loading.Recovery;

/// <summary>Loads batches in the consumer's thread, where there are no workers or no more of them.</summary>
/// <param name="gate">The lock under which the policy is asked.</param>
/// <param name="ring">The ring.</param>
/// <param name="loading">Loads samples.</param>
/// <param name="retry">Loads those that might hold the consumer's thread up.</param>
/// <param name="policy">Decides about samples that failed.</param>
/// <param name="stopping">Ends the loading.</param>
internal sealed unsafe class InPlaceLoading(object gate, SampleRing ring, SampleLoading loading, IsolatedRetry retry, SampleFailurePolicy policy, CancellationToken stopping)
{
    private readonly Heartbeat* _heartbeat = ring.Heartbeat(SampleRing.Consumer);

    /// <summary>Loads what is left of a batch.</summary>
    /// <exception cref="OperationCanceledException">The stream was to stop.</exception>
    public void Load(int slot)
    {
        StageClock.Attach(&_heartbeat->Stages);
        _heartbeat->Stages.Begin(Stopwatch.GetTimestamp());
        try
        {
            int count = ring.Control(slot)->Count;
            for (int position = 0; position < count; position++)
                Load(slot, position);
        }
        finally
        {
            _heartbeat->Stages.Switch(LoadStage.Other, Stopwatch.GetTimestamp());
            StageClock.Attach(null);
        }
    }

    private void Load(int slot, int position)
    {
        stopping.ThrowIfCancellationRequested();
        SampleTask* task = &ring.Tasks(slot)[position];
        if (!ring.TryClaim(task, SampleRing.Consumer))
            return;
        switch (policy.KnowsFailures ? Judge(task) : InPlaceVerdict.Here)
        {
            case InPlaceVerdict.Here:
                Finish(task, loading.TryLoad(ring.KeyOf(task), task->Attempt, ring.Buffer(slot, position)));
                break;
            case InPlaceVerdict.Aside:
                LoadAside(task, slot, position);
                break;
            default:
                Volatile.Write(ref task->Status, SampleStatus.Skipped);
                break;
        }
    }

    private void LoadAside(SampleTask* task, int slot, int position)
    {
        try
        {
            Finish(task, retry.Load(slot, position, stopping));
        }
        catch (TimeoutException exception)
        {
            lock (gate)
                Settle(task, policy.OnLost(task->Index, task->KeyEpoch, "beside the trainer", exception.Message, WorkerLoss.Stall));
        }
        catch (OperationCanceledException)
        {
            Volatile.Write(ref task->Status, SampleStatus.Pending);
            throw;
        }
    }

    private InPlaceVerdict Judge(SampleTask* task)
    {
        lock (gate)
            return policy.JudgeInPlace(task->Index, task->KeyEpoch);
    }

    private void Finish(SampleTask* task, SampleException? failure)
    {
        if (failure is null)
        {
            _heartbeat->Samples++;
            Volatile.Write(ref task->Status, SampleStatus.Done(SampleRing.Consumer));
            return;
        }

        lock (gate)
            Settle(task, policy.OnFailed(task->Index, task->KeyEpoch, "trainer", failure));
    }

    private static void Settle(SampleTask* task, bool isGivenUp)
    {
        task->Attempt++;
        Volatile.Write(ref task->Status, isGivenUp ? SampleStatus.Skipped : SampleStatus.Pending);
    }
}
