namespace RobustTrain.Data.Loading;

/// <summary>
/// Takes back what workers can't finish: what they report as failed, what dead ones had, and what stuck threads have, whose slots change
/// their memory. Everything happens under the session's gate.
/// </summary>
internal sealed unsafe class LostSamples(LoaderSession session)
{
    private readonly List<TakenSample> _takenAway = [];
    private int _mailsRead;

    private Ring Ring => session.Ring;

    /// <summary>Whether a slot waits for new memory.</summary>
    public bool IsTakenAway(int slot) => _takenAway.Count > 0 && _takenAway.Exists(taken => taken.Slot == slot);

    /// <inheritdoc cref="IWorkerLossHandler.Tend"/>
    public void Tend()
    {
        int mails = Volatile.Read(ref Ring.Header->Mails);
        if (mails != _mailsRead && ReadMails())
            _mailsRead = mails;
        ReplaceMemory();
    }

    /// <inheritdoc cref="IWorkerLossHandler.TakeBack"/>
    public void TakeBack(int cell, string worker, string? reason, WorkerLoss loss)
    {
        HoldAllOf(cell, (slot, position) => Decide(slot, position, worker, reason, loss));
        Ring.Work.Raise();
        Ring.Done.Raise();
    }

    /// <inheritdoc cref="IWorkerLossHandler.TakeAway"/>
    public void TakeAway(int cell, IWorker abandoned, string worker, string? reason)
    {
        HoldAllOf(cell, (slot, position) => _takenAway.Add(new TakenSample(slot, position, abandoned, worker, reason)));
        ReplaceMemory();
        Ring.Work.Raise();
        Ring.Done.Raise();
    }

    /// <summary>Holds everything that the worker of a cell has; what it had reported before is read first.</summary>
    private void HoldAllOf(int cell, Action<int, int> take)
    {
        ReadMails();
        int claimed = TaskStatus.Claimed(cell);
        for (int slot = 0; slot < session.Slots.Count; slot++)
        {
            if (!session.Slots.IsWithWorkers(slot))
                continue;
            SampleTask* tasks = Ring.Tasks(slot);
            int count = Ring.Control(slot)->Count;
            for (int position = 0; position < count; position++)
            {
                if (Interlocked.CompareExchange(ref tasks[position].Status, TaskStatus.Held, claimed) == claimed)
                    take(slot, position);
            }

            Volatile.Write(ref Ring.Control(slot)->Rescan, 1);
        }
    }

    /// <summary>Reads the mail of all workers; whether all of it could be read.</summary>
    private bool ReadMails()
    {
        bool all = true;
        int cells = Ring.Memory.Layout.WorkerCapacity;
        for (int cell = 1; cell < cells; cell++)
        {
            for (int box = 0; box < WorkerCell.MailCount; box++)
            {
                FailureMail* mail = WorkerCell.Mail(Ring.Cell(cell), box);
                if (Volatile.Read(ref mail->IsFull) != 0)
                    all &= ReadMail(cell, mail);
            }
        }

        return all;
    }

    private bool ReadMail(int cell, FailureMail* mail)
    {
        SampleTask* task = &Ring.Tasks(mail->Slot)[mail->Position];
        int status = Volatile.Read(ref task->Status);
        // The letter is written before the state is; it is read again when both are there.
        if (status == TaskStatus.Claimed(cell))
            return false;
        if (status == TaskStatus.Failed(cell))
        {
            SampleException failure = mail->Read();
            string worker = session.Monitor!.Register.MarkFailing(cell);
            if (session.Stream is not null && session.Slots[mail->Slot] == SlotUse.Published)
            {
                int decided = session.Stream.Judge.OnFailed(task->Index, task->KeyEpoch, worker, failure) ? TaskStatus.Skipped : TaskStatus.RetryNotBy(cell);
                task->Attempt++;
                Settle(mail->Slot, mail->Position, decided);
            }
            else
            {
                Volatile.Write(ref task->Status, TaskStatus.Cancelled);
            }
        }

        Volatile.Write(ref mail->IsFull, 0);
        Ring.Work.Raise();
        return true;
    }

    /// <summary>Says what becomes of a sample whose worker is lost; its state is held.</summary>
    private void Decide(int slot, int position, string worker, string? reason, WorkerLoss loss)
    {
        SampleTask* task = &Ring.Tasks(slot)[position];
        if (session.Stream is null || session.Slots[slot] != SlotUse.Published)
        {
            Volatile.Write(ref task->Status, TaskStatus.Cancelled);
            return;
        }

        bool bad = reason is not null && session.Stream.Judge.OnLost(task->Index, task->KeyEpoch, worker, reason, loss);
        if (reason is not null)
            task->Attempt++;
        Settle(slot, position, bad ? TaskStatus.Skipped : TaskStatus.Pending);
    }

    private void Settle(int slot, int position, int status)
    {
        Volatile.Write(ref Ring.Tasks(slot)[position].Status, status);
        Volatile.Write(ref Ring.Control(slot)->Rescan, 1);
        Ring.Work.Raise();
        Ring.Done.Raise();
    }

    /// <summary>
    /// Gives slots that an abandoned thread may still write to new memory, as soon as nobody else writes there:
    /// what is pending is held back meanwhile, what others have is awaited.
    /// </summary>
    private void ReplaceMemory()
    {
        while (_takenAway.Count > 0)
        {
            int slot = -1;
            foreach (TakenSample taken in _takenAway)
            {
                if (HoldPending(taken.Slot))
                    slot = taken.Slot;
            }

            if (slot < 0)
                return;
            NativeRingMemory memory = (NativeRingMemory)Ring.Memory;
            nint old = memory.Replace(slot);
            bool left = false;
            foreach ((int takenSlot, int position, IWorker worker, string name, string? reason) in _takenAway.ToArray())
            {
                if (takenSlot != slot)
                    continue;
                if (!left)
                {
                    // Several may write to the block; it is enough that it lives as long as the one that lives longest.
                    left = true;
                    BequeathToAll(slot, old);
                }

                Decide(slot, position, name, reason, WorkerLoss.Stall);
            }

            _takenAway.RemoveAll(taken => taken.Slot == slot);
            ReleaseHeld(slot);
        }
    }

    private void BequeathToAll(int slot, nint block)
    {
        IWorker[] heirs = [.. _takenAway.Where(taken => taken.Slot == slot).Select(taken => taken.Worker).Distinct()];
        SharedBlock shared = new(block, heirs.Length);
        foreach (IWorker heir in heirs)
            heir.Bequeath(shared);
    }

    /// <summary>Holds back what is pending in a slot; whether no worker has any of it.</summary>
    private bool HoldPending(int slot)
    {
        SampleTask* tasks = Ring.Tasks(slot);
        int count = Ring.Control(slot)->Count;
        for (int position = 0; position < count; position++)
        {
            int status = Volatile.Read(ref tasks[position].Status);
            if (status == TaskStatus.Pending || TaskStatus.IsRetry(status, out _))
                Interlocked.CompareExchange(ref tasks[position].Status, TaskStatus.Held, status);
        }

        return !Ring.IsInHands(slot);
    }

    private void ReleaseHeld(int slot)
    {
        SampleTask* tasks = Ring.Tasks(slot);
        int count = Ring.Control(slot)->Count;
        int released = session.Slots[slot] == SlotUse.Published ? TaskStatus.Pending : TaskStatus.Cancelled;
        for (int position = 0; position < count; position++)
            Interlocked.CompareExchange(ref tasks[position].Status, released, TaskStatus.Held);
        Volatile.Write(ref Ring.Control(slot)->Rescan, 1);
        Ring.Work.Raise();
        Ring.Done.Raise();
    }
}
