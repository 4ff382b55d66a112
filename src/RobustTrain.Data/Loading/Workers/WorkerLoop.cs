using System.Diagnostics;
using RobustTrain.Data.Loading.Ring;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>What every worker does, be it a thread or a process: find samples, load them into their slots, say how it went.</summary>
internal sealed unsafe class WorkerLoop(SampleRing ring, SampleLoading loading, int worker)
{
    private readonly Heartbeat* _heartbeat = ring.Heartbeat(worker);

    /// <summary>Works until the ring stops, or until another has taken over this worker's sample.</summary>
    public void Run()
    {
        StageClock.Attach(&_heartbeat->Stages);
        Volatile.Write(ref _heartbeat->State, (int)WorkerState.Idle);
        long idleSince = Stopwatch.GetTimestamp();
        while (!ring.IsStopping && Volatile.Read(ref _heartbeat->Dismissed) == 0)
        {
            int seen = ring.Work.Value;
            if (!ring.TryFindWork(worker, out int slot, out int from, out int to))
            {
                Beat();
                ring.Work.Wait(seen, ring.Header->IdleMilliseconds);
                continue;
            }

            long start = Stopwatch.GetTimestamp();
            _heartbeat->WaitTicks += start - idleSince;
            Volatile.Write(ref _heartbeat->State, (int)WorkerState.Loading);
            _heartbeat->Stages.Begin(start);
            for (int position = from; position < to; position++)
            {
                if (ring.TryClaim(&ring.Tasks(slot)[position], worker) && !Load(slot, position))
                    return;
            }

            idleSince = Stopwatch.GetTimestamp();
            _heartbeat->Stages.Switch(LoadStage.Other, idleSince);
            Volatile.Write(ref _heartbeat->State, (int)WorkerState.Idle);
            if (ring.IsComplete(slot))
                ring.Done.Raise();
        }

        Volatile.Write(ref _heartbeat->State, (int)WorkerState.Left);
    }

    /// <summary>Loads a claimed sample; false where somebody else has taken it over meanwhile.</summary>
    private bool Load(int slot, int position)
    {
        SampleTask* task = &ring.Tasks(slot)[position];
        if (Volatile.Read(ref _heartbeat->Dismissed) != 0)
        {
            // Dismissed between the look for work and the claim: nobody would miss this worker, so the sample goes back.
            if (TryChange(task, SampleStatus.Pending))
                Volatile.Write(ref ring.Control(slot)->Rescan, 1);
            ring.Done.Raise();
            return false;
        }

        _heartbeat->Slot = slot;
        _heartbeat->Position = position;
        _heartbeat->SampleIndex = task->Index;
        Beat();
        if (loading.TryLoad(ring.KeyOf(task), task->Attempt, ring.Buffer(slot, position)) is SampleException failure)
            return Report(task, slot, position, failure);
        _heartbeat->Samples++;
        return TryChange(task, SampleStatus.Done(worker));
    }

    private bool Report(SampleTask* task, int slot, int position, SampleException failure)
    {
        while (!ring.IsStopping)
        {
            for (int place = 0; place < Heartbeat.ReportCount; place++)
            {
                FailureReport* report = Heartbeat.Report(_heartbeat, place);
                if (Volatile.Read(ref report->IsFull) != 0)
                    continue;
                report->Write(slot, position, failure);
                bool isMine = TryChange(task, SampleStatus.Failed(worker));
                Interlocked.Increment(ref ring.Header->Reports);
                ring.Done.Raise();
                return isMine;
            }

            // All are full: the trainer empties them when it next asks for a batch, or at its next check.
            int seen = ring.Work.Value;
            Beat();
            ring.Done.Raise();
            ring.Work.Wait(seen, Math.Min(10, ring.Header->IdleMilliseconds));
        }

        return false;
    }

    private void Beat() => Volatile.Write(ref _heartbeat->Beats, _heartbeat->Beats + 1);

    /// <summary>Changes the state of a sample that this worker has; false where another has taken it over.</summary>
    private bool TryChange(SampleTask* task, int status)
    {
        int claimed = SampleStatus.Claimed(worker);
        return Interlocked.CompareExchange(ref task->Status, status, claimed) == claimed;
    }
}

/// <summary>Loads single samples of a dataset, with the faults that are rehearsed.</summary>
internal sealed class SampleLoading(IDataset dataset, FaultInjector? faults)
{
    /// <summary>Loads a sample.</summary>
    /// <param name="key">The sample.</param>
    /// <param name="attempt">How often it was tried before.</param>
    /// <param name="buffer">Receives it.</param>
    /// <returns>Why it can't be loaded; null where it is.</returns>
    /// <exception cref="WorkerLostException">An injected fault ends the worker.</exception>
    public SampleException? TryLoad(SampleKey key, int attempt, SampleBuffer buffer)
    {
        try
        {
            faults?.BeforeLoad(key.Epoch, key.Index, attempt, dataset);
            dataset.Load(key, buffer);
            return null;
        }
        catch (SampleException exception)
        {
            return exception;
        }
        catch (Exception exception) when (exception is not WorkerLostException)
        {
            return new SampleException($"The sample {key.Index} ({dataset.NameOf(key.Index)}) can't be loaded: {exception.GetType().Name}: {exception.Message}", "", exception);
        }
    }
}
