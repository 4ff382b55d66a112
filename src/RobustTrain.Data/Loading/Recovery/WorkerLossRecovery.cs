using System.Runtime.ExceptionServices;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Recovery;

/// <summary>
/// Takes back what workers can't finish: what they report as failed, what dead ones had, and what stuck threads have, whose slots change
/// their memory. After too many losses it gives workers up. Everything happens under the session's gate.
/// </summary>
internal sealed unsafe class WorkerLossRecovery(SampleRing ring, SlotTable slots, WorkerPool pool, IDataset dataset, LoaderOptions options)
{
    private readonly List<TakenSample> _taken = [];
    private int _reportsRead;
    private LoadNotices _told;
    private ExceptionDispatchInfo? _observerFailure;

    /// <summary>Decides for the stream that the workers load for; null where there is none.</summary>
    public SampleFailurePolicy? Policy { get; set; }

    /// <summary>Whether workers are given up, so that the consumer's thread does the loading.</summary>
    public bool HasFallenBack { get; private set; }

    /// <summary>Tells the observer, from any thread; what it throws is the consumer's, which meets it with its next batch.</summary>
    public void Report(LoaderEvent happened)
    {
        try
        {
            options.Observer?.Invoke(happened with { Epoch = happened.Epoch ?? Policy?.Epoch });
        }
        catch (Exception failure)
        {
            Interlocked.CompareExchange(ref _observerFailure, ExceptionDispatchInfo.Capture(failure), null);
        }
    }

    /// <summary>Throws what the observer has thrown.</summary>
    public void ThrowObserverFailure() => Volatile.Read(ref _observerFailure)?.Throw();

    /// <summary>The name of a sample, for messages.</summary>
    public string NameOf(int sampleIndex) => sampleIndex >= 0 && sampleIndex < dataset.Count ? dataset.NameOf(sampleIndex) : $"{sampleIndex}";

    /// <summary>Reads what workers report of samples, and changes the memory of slots where it is due.</summary>
    public void Tend()
    {
        int reports = Volatile.Read(ref ring.Header->Reports);
        if (reports != _reportsRead && ReadReports())
            _reportsRead = reports;
        ReplaceMemory();
        TellNotices();
    }

    /// <summary>A worker is certainly gone: what it had can be loaded again at once.</summary>
    /// <param name="worker">The worker's slot.</param>
    /// <param name="reason">Why it is gone; null where the sample that it had is not to blame in any way.</param>
    /// <param name="loss">How it went.</param>
    public void TakeBack(WorkerSlot worker, string? reason, WorkerLoss loss)
    {
        HoldAllOf(worker.Number, (slot, position) => Decide(slot, position, worker.Name, reason, loss));
        Wake();
    }

    /// <summary>A worker is stuck and can't be killed: it may still write to its slots, whose memory changes hands.</summary>
    /// <param name="worker">The worker's slot.</param>
    /// <param name="reason">Why its sample counts as lost; null where the sample is not to blame.</param>
    public void TakeAway(WorkerSlot worker, string? reason)
    {
        HoldAllOf(worker.Number, (slot, position) =>
        {
            _taken.Add(new TakenSample(slot, position, worker.Worker!, worker.Name, reason));
            slots.AwaitingMemory.Add(slot);
        });
        ReplaceMemory();
        Wake();
    }

    /// <summary>A worker failed: counts, and says whether workers are to be given up.</summary>
    public bool CountFailure(LoaderEvent happened)
    {
        Report(happened);
        if (HasFallenBack || Policy?.CountWorkerFailure() != true)
            return false;
        FallBack($"{Counted.Of(options.MaxErrors, "worker has", "workers have")} failed in this epoch");
        return true;
    }

    /// <summary>No worker is left, nor will there be one.</summary>
    public void FallBack(string reason)
    {
        if (HasFallenBack)
            return;
        HasFallenBack = true;
        Report(new LoaderEvent(LoaderEventKind.FellBack, $"The rest of the epoch is loaded in the trainer's own process, in the same order: {reason}."));
        ring.Done.Raise();
    }

    private void TellNotices()
    {
        LoadNotices noted = LoadNotices.None;
        for (int worker = 0; worker < ring.Memory.Layout.WorkerCapacity; worker++)
            noted |= ring.Heartbeat(worker)->Stages.Notices;
        LoadNotices news = noted & ~_told;
        _told |= noted;
        if (news.HasFlag(LoadNotices.CacheDamaged))
            Report(new LoaderEvent(LoaderEventKind.CacheDamaged, "The cache of decoded images (data.cache.path) had damaged entries; they are decoded and written anew."));
        if (news.HasFlag(LoadNotices.CacheFull))
            Report(new LoaderEvent(LoaderEventKind.CacheNotWritten, "There is no space left for the cache of decoded images (data.cache.path); what is not in it is decoded each time."));
        if (news.HasFlag(LoadNotices.CacheNotWritable))
            Report(new LoaderEvent(LoaderEventKind.CacheNotWritten, "The cache of decoded images (data.cache.path) can't be written; what is not in it is decoded each time."));
    }

    /// <summary>Holds everything that a worker has; what it had reported before is read first.</summary>
    private void HoldAllOf(int worker, Action<int, int> take)
    {
        ReadReports();
        int claimed = SampleStatus.Claimed(worker);
        for (int slot = 0; slot < slots.Count; slot++)
        {
            if (!slots.IsWithWorkers(slot))
                continue;
            SampleTask* tasks = ring.Tasks(slot);
            int count = ring.Control(slot)->Count;
            for (int position = 0; position < count; position++)
            {
                if (Interlocked.CompareExchange(ref tasks[position].Status, SampleStatus.Held, claimed) == claimed)
                    take(slot, position);
            }

            Volatile.Write(ref ring.Control(slot)->Rescan, 1);
        }
    }

    /// <summary>Reads the reports of all workers; whether all of them could be read.</summary>
    private bool ReadReports()
    {
        bool all = true;
        int workers = ring.Memory.Layout.WorkerCapacity;
        for (int worker = SampleRing.Consumer + 1; worker < workers; worker++)
        {
            for (int place = 0; place < Heartbeat.ReportCount; place++)
            {
                FailureReport* report = Heartbeat.Report(ring.Heartbeat(worker), place);
                if (Volatile.Read(ref report->IsFull) != 0)
                    all &= Read(worker, report);
            }
        }

        return all;
    }

    private bool Read(int worker, FailureReport* report)
    {
        SampleTask* task = &ring.Tasks(report->Slot)[report->Position];
        int status = Volatile.Read(ref task->Status);
        // The report is written before the state is; it is read again when both are there.
        if (status == SampleStatus.Claimed(worker))
            return false;
        if (status == SampleStatus.Failed(worker))
        {
            SampleException failure = report->Read();
            string name = pool.MarkFailing(worker);
            if (Policy is not null && slots[report->Slot] == SlotState.Published)
            {
                int decided = Policy.OnFailed(task->Index, task->KeyEpoch, name, failure) ? SampleStatus.Skipped : SampleStatus.RetryNotBy(worker);
                task->Attempt++;
                Settle(report->Slot, report->Position, decided);
            }
            else
            {
                Volatile.Write(ref task->Status, SampleStatus.Cancelled);
            }
        }

        Volatile.Write(ref report->IsFull, 0);
        ring.Work.Raise();
        return true;
    }

    /// <summary>Says what becomes of a sample whose worker is lost; its state is held.</summary>
    private void Decide(int slot, int position, string worker, string? reason, WorkerLoss loss)
    {
        SampleTask* task = &ring.Tasks(slot)[position];
        if (Policy is null || slots[slot] != SlotState.Published)
        {
            Volatile.Write(ref task->Status, SampleStatus.Cancelled);
            return;
        }

        bool isBad = reason is not null && Policy.OnLost(task->Index, task->KeyEpoch, worker, reason, loss);
        if (reason is not null)
            task->Attempt++;
        Settle(slot, position, isBad ? SampleStatus.Skipped : SampleStatus.Pending);
    }

    private void Settle(int slot, int position, int status)
    {
        Volatile.Write(ref ring.Tasks(slot)[position].Status, status);
        Volatile.Write(ref ring.Control(slot)->Rescan, 1);
        Wake();
    }

    private void Wake()
    {
        ring.Work.Raise();
        ring.Done.Raise();
    }

    /// <summary>
    /// Gives slots that an abandoned thread may still write to new memory, as soon as nobody else writes there:
    /// what is pending is held back meanwhile, what others have is awaited.
    /// </summary>
    private void ReplaceMemory()
    {
        if (slots.AwaitingMemory.Count == 0)
            return;
        foreach (int slot in slots.AwaitingMemory.Where(HoldPending).ToArray())
        {
            TakenSample[] taken = [.. _taken.Where(sample => sample.Slot == slot)];
            IWorker[] writers = [.. taken.Select(sample => sample.Worker).Distinct()];
            CountedBlock old = new(((NativeRingMemory)ring.Memory).Replace(slot), writers.Length);
            foreach (IWorker writer in writers)
                writer.Keep(old);
            foreach (TakenSample sample in taken)
                Decide(slot, sample.Position, sample.Name, sample.Reason, WorkerLoss.Stall);
            _taken.RemoveAll(sample => sample.Slot == slot);
            slots.AwaitingMemory.Remove(slot);
            ReleaseHeld(slot);
        }
    }

    /// <summary>Holds back what is pending in a slot; whether no worker has any of it.</summary>
    private bool HoldPending(int slot)
    {
        SampleTask* tasks = ring.Tasks(slot);
        int count = ring.Control(slot)->Count;
        for (int position = 0; position < count; position++)
        {
            int status = Volatile.Read(ref tasks[position].Status);
            if (status == SampleStatus.Pending || SampleStatus.IsRetry(status, out _))
                Interlocked.CompareExchange(ref tasks[position].Status, SampleStatus.Held, status);
        }

        return !ring.IsInHands(slot);
    }

    private void ReleaseHeld(int slot)
    {
        SampleTask* tasks = ring.Tasks(slot);
        int count = ring.Control(slot)->Count;
        int released = slots[slot] == SlotState.Published ? SampleStatus.Pending : SampleStatus.Cancelled;
        for (int position = 0; position < count; position++)
            Interlocked.CompareExchange(ref tasks[position].Status, released, SampleStatus.Held);
        Volatile.Write(ref ring.Control(slot)->Rescan, 1);
        Wake();
    }

    /// <summary>A sample that was taken away from a stuck thread, which may still write to the slot's memory.</summary>
    /// <param name="Slot">The slot of the ring.</param>
    /// <param name="Position">Its place there.</param>
    /// <param name="Worker">The thread.</param>
    /// <param name="Name">The worker's name.</param>
    /// <param name="Reason">Why it counts as lost; null where the sample is not to blame.</param>
    private sealed record TakenSample(int Slot, int Position, IWorker Worker, string Name, string? Reason);
}
