using System.Diagnostics;

namespace RobustTrain.Data.Loading;

/// <summary>What every worker does, be it a thread or a process: find samples, load them into their slots, say how it went.</summary>
internal sealed unsafe class WorkerLoop
{
    private readonly Ring _ring;
    private readonly int _worker;
    private readonly SampleLoading _loading;
    private readonly WorkerCell* _cell;

    public WorkerLoop(Ring ring, SampleLoading loading, int worker)
    {
        _ring = ring;
        _loading = loading;
        _worker = worker;
        _cell = ring.Cell(worker);
    }

    /// <summary>Works until the ring stops, or until another has taken over this worker's sample.</summary>
    public void Run()
    {
        StageClock.Attach(&_cell->Stages);
        Volatile.Write(ref _cell->State, (int)WorkerState.Idle);
        long idleSince = Stopwatch.GetTimestamp();
        while (!_ring.IsStopping && Volatile.Read(ref _cell->Dismissed) == 0)
        {
            int seen = _ring.Work.Value;
            if (!_ring.TryFindWork(_worker, out int slot, out int from, out int to))
            {
                Volatile.Write(ref _cell->Beats, _cell->Beats + 1);
                _ring.Work.Wait(seen, _ring.Header->IdleMilliseconds);
                continue;
            }

            long start = Stopwatch.GetTimestamp();
            _cell->WaitTicks += start - idleSince;
            Volatile.Write(ref _cell->State, (int)WorkerState.Loading);
            _cell->Stages.Begin(start);
            for (int position = from; position < to; position++)
            {
                if (_ring.TryClaim(&_ring.Tasks(slot)[position], _worker) && !Load(slot, position))
                    return;
            }

            idleSince = Stopwatch.GetTimestamp();
            _cell->Stages.Switch(LoadStage.Other, idleSince);
            _cell->LoadTicks += idleSince - start;
            Volatile.Write(ref _cell->State, (int)WorkerState.Idle);
            if (_ring.IsComplete(slot))
                _ring.Done.Raise();
        }

        Volatile.Write(ref _cell->State, (int)WorkerState.Left);
    }

    /// <summary>Begins to load in the consumer's thread; when it began, for <see cref="EndInPlace"/>.</summary>
    public long BeginInPlace()
    {
        StageClock.Attach(&_cell->Stages);
        long start = Stopwatch.GetTimestamp();
        _cell->Stages.Begin(start);
        return start;
    }

    /// <summary>Ends to load in the consumer's thread.</summary>
    public void EndInPlace(long start)
    {
        long end = Stopwatch.GetTimestamp();
        _cell->Stages.Switch(LoadStage.Other, end);
        _cell->LoadTicks += end - start;
        StageClock.Attach(null);
    }

    /// <summary>Loads a claimed sample in the consumer's thread; null where it succeeds.</summary>
    public SampleException? LoadInPlace(int slot, int position)
    {
        SampleTask* task = &_ring.Tasks(slot)[position];
        SampleException? failure = TryLoad(task, slot, position);
        if (failure is null)
            FinishInPlace(task);
        return failure;
    }

    /// <summary>Notes that a claimed sample of the consumer's is loaded.</summary>
    public void FinishInPlace(SampleTask* task)
    {
        _cell->Samples++;
        Volatile.Write(ref task->Status, TaskStatus.Done(_worker));
    }

    /// <summary>Loads a claimed sample; false where somebody else has taken it over meanwhile.</summary>
    private bool Load(int slot, int position)
    {
        SampleTask* task = &_ring.Tasks(slot)[position];
        if (Volatile.Read(ref _cell->Dismissed) != 0)
        {
            // Dismissed between the look for work and the claim: nobody would miss this worker, so the sample goes back.
            int mine = TaskStatus.Claimed(_worker);
            if (Interlocked.CompareExchange(ref task->Status, TaskStatus.Pending, mine) == mine)
                Volatile.Write(ref _ring.Control(slot)->Rescan, 1);
            _ring.Done.Raise();
            return false;
        }

        _cell->Slot = slot;
        _cell->Position = position;
        _cell->SampleIndex = task->Index;
        Volatile.Write(ref _cell->Beats, _cell->Beats + 1);
        if (TryLoad(task, slot, position) is SampleException failure)
            return Report(task, slot, position, failure);
        _cell->Samples++;
        int claimed = TaskStatus.Claimed(_worker);
        return Interlocked.CompareExchange(ref task->Status, TaskStatus.Done(_worker), claimed) == claimed;
    }

    private SampleException? TryLoad(SampleTask* task, int slot, int position) =>
        _loading.TryLoad(new SampleKey(_ring.Header->Seed, task->KeyEpoch, task->Index), task->Attempt, _ring.Buffer(slot, position));

    private bool Report(SampleTask* task, int slot, int position, SampleException failure)
    {
        while (!_ring.IsStopping)
        {
            for (int box = 0; box < WorkerCell.MailCount; box++)
            {
                FailureMail* mail = WorkerCell.Mail(_cell, box);
                if (Volatile.Read(ref mail->IsFull) != 0)
                    continue;
                mail->Write(slot, position, failure);
                int claimed = TaskStatus.Claimed(_worker);
                bool mine = Interlocked.CompareExchange(ref task->Status, TaskStatus.Failed(_worker), claimed) == claimed;
                Interlocked.Increment(ref _ring.Header->Mails);
                _ring.Done.Raise();
                return mine;
            }

            // All boxes are full: the trainer empties them when it next asks for a batch, or at its next check.
            int seen = _ring.Work.Value;
            Volatile.Write(ref _cell->Beats, _cell->Beats + 1);
            _ring.Done.Raise();
            _ring.Work.Wait(seen, Math.Min(10, _ring.Header->IdleMilliseconds));
        }

        return false;
    }
}
