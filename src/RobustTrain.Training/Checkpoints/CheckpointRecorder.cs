using RobustTrain.Platform;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Distributed;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// Takes checkpoints of a training's parts, and brings the parts back to one. Taking one holds the training for the copy to memory;
/// one writer works beside the next steps. A disk that refuses stops no training: what it refused is kept in memory and tried again
/// with the next checkpoint, and the last good one stays.
/// </summary>
/// <param name="store">The run's checkpoints; null at all ranks but the first, which do not look at them.</param>
/// <param name="retention">Which of them stay.</param>
/// <param name="parts">What a checkpoint holds.</param>
/// <param name="model">The network that the checkpoints are of.</param>
/// <param name="runId">The run.</param>
/// <param name="journal">Is told of checkpoints, and of those that can't be used or written.</param>
/// <param name="time">The clock.</param>
internal sealed class CheckpointRecorder(
    CheckpointStore? store, RetentionPolicy retention, IReadOnlyList<ICheckpointState> parts, ModelIdentity model, string runId, IRunJournal journal, TimeProvider time) : IDisposable
{
    // Guards the queue, and whether a writer is at work.
    private readonly Lock _gate = new();
    private readonly CheckpointQueue _queue = new();
    private Task _writer = Task.CompletedTask;
    private CheckpointException? _refused;
    private (int Kind, int Epoch)? _told;
    private volatile int _epoch;
    private bool _isWriting;
    private volatile bool _isCompleting;

    /// <summary>Throws where nothing may be written any more, as the run's folder is gone.</summary>
    public Action CheckRun { get; init; } = () => { };

    /// <summary>Whether a checkpoint's cursor is where the present stage of the training begins, so that the checkpoint is one of the stage before.</summary>
    public Func<TrainingCursor, bool> BeginsAt { get; init; } = _ => false;

    /// <summary>Whether a checkpoint's cursor is in the present stage of the training or where it begins; one of an earlier stage is not taken.</summary>
    public Func<TrainingCursor, bool> Holds { get; init; } = _ => true;

    /// <summary>The ranks of the run, of which the first one writes.</summary>
    public Ranks Ranks { get; init; } = Ranks.Single;

    /// <summary>Brings every part to the state of the newest checkpoint that is whole.</summary>
    /// <returns>False where there is no checkpoint, or none of this stage.</returns>
    /// <exception cref="CheckpointException">The checkpoint is of another model, or all of them are damaged.</exception>
    public bool RestoreLatest()
    {
        return Restore(() =>
        {
            // A run that was killed after its last checkpoint has left files that no later checkpoint would delete.
            Delete(store!.DeleteLeftovers);
            return store.OpenLatest(Warn);
        });
    }

    /// <summary>Where the newest whole checkpoint stands; the training's start where there is none.</summary>
    /// <exception cref="CheckpointException">All of them are damaged.</exception>
    public TrainingCursor FindLatest() => Ranks.FromFirst(new CollectivePurpose("newest checkpoint", 0), () =>
        store!.OpenLatest(_ => { })?.Checkpoint.Manifest.Cursor ?? TrainingCursor.Start);

    /// <summary>Brings every part to the state of the newest whole checkpoint that stands between two epochs and before a step.</summary>
    /// <param name="globalStep">The step.</param>
    /// <param name="firstStep">The first step at which it may stand: that of the present stage.</param>
    /// <returns>False where there is no such checkpoint.</returns>
    /// <exception cref="CheckpointException">The disk refuses what is newer still, or what it holds can't be used.</exception>
    public bool RestoreEpochBefore(long globalStep, long firstStep = 0)
    {
        Complete();
        return Restore(() => store!.OpenEpochBefore(globalStep, firstStep, Warn));
    }

    /// <summary>Loads the weights of the best checkpoint, or of the latest where none is marked as best, as they are meant to be used.</summary>
    /// <returns>The checkpoint.</returns>
    /// <exception cref="CheckpointException">There is none that can be used.</exception>
    public Checkpoint LoadBest(nn.Module network)
    {
        Checkpoint? best = null;
        new CheckpointHandOver(Ranks).Read(
            () => store!.OpenBest(Warn) ?? store.OpenLatest(Warn) ?? throw new CheckpointException(CheckpointException.NotFound, $"{store.Path} holds no checkpoint.", store.Path),
            archive =>
            {
                EvaluatedWeights.Load(network, archive);
                best = archive.Checkpoint;
            });
        return best!;
    }

    /// <summary>Takes a checkpoint to be written beside the next steps; takes none where one before it is still being written.</summary>
    /// <returns>Whether it was taken.</returns>
    public bool TrySave(CheckpointLabel label)
    {
        if (!Ranks.IsFirst)
            return false;
        lock (_gate)
        {
            if (_isWriting)
                return false;
        }

        Save(label);
        return true;
    }

    /// <summary>
    /// Takes a checkpoint to be written beside the next steps, after the one before it. Only where the disk is so slow that two are on
    /// their way already does it wait, so that none is passed over and memory stays bounded.
    /// </summary>
    /// <param name="label">What it says about itself.</param>
    /// <param name="writeFiles">Writes what has to be on disk before it.</param>
    public void Save(CheckpointLabel label, Action? writeFiles = null)
    {
        if (!Ranks.IsFirst)
            return;
        if (Locked(() => _queue.IsAnyWaiting))
            _writer.GetAwaiter().GetResult();
        _epoch = label.CompletedEpoch ?? label.Cursor.Epoch;
        long began = time.GetTimestamp();
        CheckpointDraft draft = Locked(_queue.TakeMemory);
        draft.Fill(parts);
        lock (_gate)
        {
            _queue.Add(new PendingCheckpoint(draft, label, writeFiles, began, time.GetElapsedTime(began)));
            StartWriter();
        }
    }

    /// <summary>Waits until everything is on disk, and tries once more what the disk has refused.</summary>
    /// <exception cref="CheckpointException">The disk still refuses some of it.</exception>
    public void Complete() => Ranks.FromFirst(new CollectivePurpose("checkpoint on disk", 0), CompleteOwn);

    private void CompleteOwn()
    {
        _isCompleting = true;
        _writer.GetAwaiter().GetResult();
        lock (_gate)
        {
            if (!_queue.IsEmpty)
                StartWriter();
        }

        _writer.GetAwaiter().GetResult();
        _isCompleting = false;
        if (!Locked(() => _queue.IsEmpty))
            throw _refused!;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Only waits: what it could throw would hide what the training ends with.
        Task.WaitAny(_writer);
    }

    /// <summary>Refuses a checkpoint of another network.</summary>
    /// <exception cref="CheckpointException">It is of another network.</exception>
    internal static void CheckModel(CheckpointArchive archive, ModelIdentity expected)
    {
        if (archive.Checkpoint.Manifest.Model.DifferenceTo(expected) is { } difference)
            throw archive.OtherModel(difference);
    }

    private bool Restore(Func<CheckpointArchive?> open)
    {
        bool isTaken = false;
        new CheckpointHandOver(Ranks).Read(open, archive =>
        {
            CheckModel(archive, model);
            isTaken = Holds(archive.Checkpoint.Manifest.Cursor);
            if (isTaken)
                Take(archive);
        });
        return isTaken;
    }

    private void Take(CheckpointArchive archive)
    {
        bool isOfFormerStage = BeginsAt(archive.Checkpoint.Manifest.Cursor);
        foreach (ICheckpointState part in parts)
        {
            if (isOfFormerStage)
                part.BeginStage(archive);
            else
                part.Load(archive);
        }
    }

    private T Locked<T>(Func<T> ask)
    {
        lock (_gate)
            return ask();
    }

    // One writer at a time, which takes what is added while it is at work too. Under the lock.
    private void StartWriter()
    {
        if (_isWriting)
            return;

        // An unforeseen exception of the writer ends the training here, at the latest.
        if (_writer.IsFaulted)
            _writer.GetAwaiter().GetResult();
        _isWriting = true;
        _writer = Task.Factory.StartNew(WriteAll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private void WriteAll()
    {
        try
        {
            while (Begin() is { } next && TryWrite(next))
                Delete(() => store!.CleanUp(retention));
        }
        catch
        {
            EndWriting();
            throw;
        }
    }

    // Where nothing is left the writer has ended: what is added from now on starts the next one.
    private PendingCheckpoint? Begin()
    {
        lock (_gate)
        {
            PendingCheckpoint? next = _queue.Begin();
            _isWriting = next is not null;
            return next;
        }
    }

    private void EndWriting()
    {
        lock (_gate)
            _isWriting = false;
    }

    private bool TryWrite(PendingCheckpoint next)
    {
        try
        {
            Write(next);
        }
        catch (Exception refused) when (refused is CheckpointException or IOException or UnauthorizedAccessException)
        {
            // A folder that is gone refuses for good.
            CheckRun();
            _refused = refused as CheckpointException ?? CheckpointException.Refused(next.Label.FolderName, refused, store!.IsEmpty);
            lock (_gate)
                _queue.Keep(next);
            WarnOfRefusal(refused);
            EndWriting();
            return false;
        }

        lock (_gate)
            _queue.End(next);
        return true;
    }

    // Once a kind (the system's error code) and epoch; and not where the training waits for it and ends with it.
    private void WarnOfRefusal(Exception refused)
    {
        (int Kind, int Epoch) refusal = ((refused.InnerException ?? refused).HResult, _epoch);
        if (_isCompleting || _told == refusal)
            return;
        _told = refusal;
        Warn($"{_refused!.Message} The training goes on, and tries again with the next checkpoint, at the latest when it ends.");
    }

    private void Write(PendingCheckpoint pending)
    {
        CheckRun();
        pending.WriteFiles?.Invoke();
        if (pending.Draft is null)
            return;
        Checkpoint saved = store!.Write(pending.Draft, pending.Label, model, runId, time.GetUtcNow());
        journal.Write(new CheckpointSaved(
            saved.Path, pending.Label.CompletedEpoch ?? pending.Label.Cursor.Epoch, pending.Label.Cursor.GlobalStep, saved.Bytes,
            time.GetElapsedTime(pending.TakenAt).TotalSeconds, pending.Held.TotalSeconds)
        { CompletedEpoch = pending.Label.CompletedEpoch });
    }

    private void Delete(Action delete)
    {
        try
        {
            delete();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            Warn($"Old checkpoints in {store!.Path} could not be deleted: {StorageError.Describe(refused)}");
        }
    }

    private void Warn(string message) => journal.Write(new RunWarning(message));
}

/// <summary>
/// The checkpoints in memory that are not on disk yet, the oldest first. However long a full disk refuses, no more than three copies
/// of the training are held: the one being written, the newest, and the newest best. The memory of one is used again. Its user locks it.
/// </summary>
internal sealed class CheckpointQueue
{
    private readonly LinkedList<PendingCheckpoint> _waiting = new();
    private CheckpointDraft? _free;
    private PendingCheckpoint? _begun;

    /// <summary>Whether everything is on disk.</summary>
    public bool IsEmpty => _waiting.Count == 0 && _begun is null;

    /// <summary>Whether there is one that the writer has not begun yet.</summary>
    public bool IsAnyWaiting => _waiting.Count > 0;

    /// <summary>The copies of the training that are held, for the next use too.</summary>
    public int Copies => _waiting.Append(_begun).Count(pending => pending?.Draft is not null) + (_free is null ? 0 : 1);

    /// <summary>An empty draft for the newest, in memory that was used before where there is some.</summary>
    public CheckpointDraft TakeMemory()
    {
        DropSuperfluous(isNewestNeeded: false);
        CheckpointDraft draft = _free ?? new CheckpointDraft();
        _free = null;
        draft.Clear();
        return draft;
    }

    /// <summary>Adds the newest; what it makes superfluous goes, apart from files that are to be on disk.</summary>
    public void Add(PendingCheckpoint pending)
    {
        _waiting.AddLast(pending);
        DropSuperfluous();
    }

    /// <summary>The oldest, which is being written from now on; null where there is none.</summary>
    public PendingCheckpoint? Begin()
    {
        _begun = _waiting.First?.Value;
        if (_begun is not null)
            _waiting.RemoveFirst();
        return _begun;
    }

    /// <summary>It is on disk.</summary>
    public void End(PendingCheckpoint written)
    {
        _begun = null;
        Free(written);
    }

    /// <summary>The disk has refused it: it is the first again.</summary>
    public void Keep(PendingCheckpoint refused)
    {
        _begun = null;
        _waiting.AddFirst(refused);
        DropSuperfluous();
    }

    private void DropSuperfluous(bool isNewestNeeded = true)
    {
        PendingCheckpoint? best = _waiting.LastOrDefault(pending => pending.Label.IsBest);
        LinkedListNode<PendingCheckpoint>? next;
        for (LinkedListNode<PendingCheckpoint>? node = _waiting.First; node is not null; node = next)
        {
            next = node.Next;
            if (node.Value == best || (next is null && isNewestNeeded))
                continue;
            Free(node.Value);
            node.Value = node.Value with { Draft = null };
            if (node.Value.WriteFiles is null)
                _waiting.Remove(node);
        }
    }

    private void Free(PendingCheckpoint pending) => _free = pending.Draft ?? _free;
}

/// <summary>A checkpoint that waits to be written.</summary>
/// <param name="Draft">Its content; null where a newer one has made it superfluous and only its files are still to be written.</param>
/// <param name="Label">What it says about itself.</param>
/// <param name="WriteFiles">Writes what has to be on disk before it; null where there is nothing.</param>
/// <param name="TakenAt">The clock's time stamp when it was taken.</param>
/// <param name="Held">How long taking it has held the training.</param>
internal sealed record PendingCheckpoint(CheckpointDraft? Draft, CheckpointLabel Label, Action? WriteFiles, long TakenAt, TimeSpan Held);

/// <summary>What a checkpoint says about itself beside its state.</summary>
/// <param name="Cursor">Where the training goes on from it.</param>
/// <param name="CompletedEpoch">The epoch that it completes; null within an epoch.</param>
/// <param name="Scores">The completed epoch's aggregated validation scores, where validation was due.</param>
/// <param name="IsBest">Whether its weights are the best so far.</param>
internal sealed record CheckpointLabel(TrainingCursor Cursor, int? CompletedEpoch, IReadOnlyDictionary<string, double>? Scores, bool IsBest)
{
    /// <summary>The name of its folder: zeros in front, so that names sort as the training went.</summary>
    public string FolderName => CompletedEpoch is int epoch ? $"epoch-{epoch:D4}" : $"step-{Cursor.GlobalStep:D9}";
}
