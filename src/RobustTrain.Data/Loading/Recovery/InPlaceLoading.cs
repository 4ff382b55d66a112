using System.Diagnostics;
using System.Runtime.InteropServices;
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

/// <summary>
/// Tries samples that have stalled a worker where no worker is left to find out whether they do again: in a thread and in memory of their
/// own, so that the consumer can go on without them.
/// </summary>
internal sealed unsafe class IsolatedRetry(SampleRing ring, SampleLoading loading, TimeSpan timeout)
{
    // By which a busy machine may wake a thread.
    private static readonly TimeSpan Lateness = TimeSpan.FromSeconds(1);

    private readonly SlotLayout _layout = new(ring.Slots.Fields, batchSize: 1);

    /// <summary>Loads a sample into its slot.</summary>
    /// <returns>Why it can't be loaded; null where it is.</returns>
    /// <exception cref="TimeoutException">It stalls again.</exception>
    /// <exception cref="OperationCanceledException">The stream was to stop.</exception>
    public SampleException? Load(int slot, int position, CancellationToken stopping)
    {
        SampleTask* sample = &ring.Tasks(slot)[position];
        SampleKey key = ring.KeyOf(sample);
        int attempt = sample->Attempt;
        nint memory = (nint)NativeMemory.AlignedAlloc((nuint)_layout.Bytes, SlotLayout.Alignment);
        // The thread's and the consumer's: whoever is done last frees it.
        CountedBlock block = new(memory, references: 2);
        try
        {
            Task<SampleException?> trial = Task.Factory.StartNew(() => Try(key, attempt, memory, block), TaskCreationOptions.LongRunning);
            if (!Wait(trial, stopping))
                throw new TimeoutException($"stood still for more than {timeout.TotalSeconds:0.###} s");
            if (trial.Result is null)
                CopyTo(slot, position, memory);
            return trial.Result;
        }
        finally
        {
            block.Release();
        }
    }

    // A slice that took much longer than it may was cut through by a stop of the whole process or machine, and proves nothing.
    private bool Wait(Task trial, CancellationToken stopping)
    {
        const int slices = 8;
        TimeSpan slice = timeout / slices;
        for (int left = slices; left > 0;)
        {
            long began = Stopwatch.GetTimestamp();
            if (trial.Wait(slice, stopping))
                return true;
            if (Stopwatch.GetElapsedTime(began) < slice + Lateness)
                left--;
        }

        return false;
    }

    private SampleException? Try(SampleKey key, int attempt, nint memory, CountedBlock block)
    {
        try
        {
            return loading.TryLoad(key, attempt, new SampleBuffer((byte*)memory, _layout.Placements, 0));
        }
        catch (WorkerLostException exception)
        {
            return new SampleException(exception.Message, "", exception) { IsOfFile = true };
        }
        finally
        {
            block.Release();
        }
    }

    private void CopyTo(int slot, int position, nint memory)
    {
        for (int field = 0; field < _layout.Placements.Length; field++)
        {
            FieldPlacement to = ring.Slots.Placements[field];
            NativeMemory.Copy(
                (byte*)memory + _layout.Placements[field].Offset,
                ring.Data(slot) + to.Offset + ((long)position * to.SampleBytes),
                (nuint)to.SampleBytes);
        }
    }
}
