using RobustTrain.Platform;
using RobustTrain.Runs.Events;
using RobustTrain.Runs;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// Takes checkpoints of a training's parts, and brings the parts back to one. Taking one holds the training for the copy to memory;
/// one writer works beside the next steps. A disk that refuses stops no training: what it refused is kept in memory and tried again
/// with the next checkpoint, and the last good one stays.
/// </summary>
internal sealed class CheckpointRecorder : IDisposable
{
    private readonly CheckpointStore _store;
    private readonly RetentionPolicy _retention;
    private readonly IReadOnlyList<ICheckpointPart> _parts;
    private readonly ModelIdentity _model;
    private readonly string _runId;
    private readonly IRunJournal _journal;
    private readonly TimeProvider _time;
    private readonly CheckpointQueue _queue = new();
    private readonly Lock _gate = new();
    private Task _writer = Task.CompletedTask;
    private CheckpointException? _refused;
    private (int Kind, int Epoch)? _told;
    private volatile int _epoch;
    private bool _isWriting;
    private volatile bool _isCompleting;

    /// <summary>A recorder.</summary>
    /// <param name="store">The run's checkpoints.</param>
    /// <param name="retention">Which of them stay.</param>
    /// <param name="parts">What a checkpoint holds.</param>
    /// <param name="model">The network that the checkpoints are of.</param>
    /// <param name="runId">The run.</param>
    /// <param name="journal">Is told of checkpoints, and of those that can't be used or written.</param>
    /// <param name="time">The clock.</param>
    public CheckpointRecorder(
        CheckpointStore store, RetentionPolicy retention, IReadOnlyList<ICheckpointPart> parts, ModelIdentity model, string runId, IRunJournal journal, TimeProvider time)
    {
        _store = store;
        _retention = retention;
        _parts = parts;
        _model = model;
        _runId = runId;
        _journal = journal;
        _time = time;
    }

    /// <summary>Throws where nothing may be written any more, as the run's folder is gone.</summary>
    public Action CheckRun { get; init; } = () => { };

    /// <summary>Brings every part to the state of the newest checkpoint that is whole.</summary>
    /// <returns>False where there is no checkpoint.</returns>
    /// <exception cref="CheckpointException">The checkpoint is of another model, or all of them are damaged.</exception>
    public bool RestoreLatest()
    {
        // One that was killed after its last checkpoint has left what no later one would take away.
        Delete(_store.DeleteLeftovers);
        return Restore(_store.OpenLatest(Warn));
    }

    /// <summary>Brings every part to the state of the newest whole checkpoint that stands between two epochs and before a step.</summary>
    /// <returns>False where there is no such checkpoint.</returns>
    /// <exception cref="CheckpointException">The disk refuses what is newer still, or what it holds can't be used.</exception>
    public bool RestoreEpochBefore(long globalStep)
    {
        Complete();
        return Restore(_store.OpenEpochBefore(globalStep, Warn));
    }

    /// <summary>Loads the weights of the best checkpoint, or of the latest where none is marked as best, as they are meant to be used.</summary>
    /// <returns>The checkpoint.</returns>
    /// <exception cref="CheckpointException">There is none that can be used.</exception>
    public Checkpoint LoadBest(nn.Module model)
    {
        CheckpointArchive archive = _store.OpenBest(Warn) ?? _store.OpenLatest(Warn)
            ?? throw new CheckpointException(CheckpointException.NotFound, $"{_store.Path} holds no checkpoint.", _store.Path);
        EvaluatedWeights.Load(model, archive);
        return archive.Checkpoint;
    }

    /// <summary>Takes a checkpoint to be written beside the next steps; takes none where one before it is still being written.</summary>
    /// <returns>Whether it was taken.</returns>
    public bool TrySave(CheckpointLabel label)
    {
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
        if (_queue.IsAnyWaiting)
            _writer.GetAwaiter().GetResult();
        _epoch = label.CompletedEpoch ?? label.Cursor.Epoch;
        long began = _time.GetTimestamp();
        CheckpointDraft draft = _queue.TakeMemory();
        draft.Fill(_parts);
        _queue.Add(new PendingCheckpoint(draft, label, writeFiles, began, _time.GetElapsedTime(began)));
        StartWriter();
    }

    /// <summary>Waits until everything is on disk, and tries once more what the disk has refused.</summary>
    /// <exception cref="CheckpointException">The disk still refuses some of it.</exception>
    public void Complete()
    {
        _isCompleting = true;
        _writer.GetAwaiter().GetResult();
        if (!_queue.IsEmpty)
        {
            StartWriter();
            _writer.GetAwaiter().GetResult();
        }

        _isCompleting = false;
        if (!_queue.IsEmpty)
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
        if (archive.Checkpoint.Manifest.Model != expected)
            throw archive.OtherModel($"it holds {archive.Checkpoint.Manifest.Model}, but the configuration asks for {expected}");
    }

    private bool Restore(CheckpointArchive? archive)
    {
        if (archive is null)
            return false;
        CheckModel(archive, _model);
        foreach (ICheckpointPart part in _parts)
            part.Load(archive);
        return true;
    }

    // One writer at a time: the one at work takes what has been added too.
    private void StartWriter()
    {
        lock (_gate)
        {
            if (_isWriting)
                return;

            // What nobody foresaw ends the training here, at the latest.
            if (_writer.IsFaulted)
                _writer.GetAwaiter().GetResult();
            _isWriting = true;
            _writer = Task.Factory.StartNew(WriteAll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
    }

    private void WriteAll()
    {
        try
        {
            while (WriteNext())
            {
            }
        }
        catch
        {
            EndWriting();
            throw;
        }
    }

    private void EndWriting()
    {
        lock (_gate)
            _isWriting = false;
    }

    private bool WriteNext()
    {
        PendingCheckpoint? next;
        lock (_gate)
        {
            next = _queue.Begin();
            if (next is null)
            {
                // Under the lock, so that what is added from now on starts the next writer.
                _isWriting = false;
                return false;
            }
        }

        try
        {
            Write(next);
        }
        catch (Exception refused) when (refused is CheckpointException or IOException or UnauthorizedAccessException)
        {
            // A folder that is gone refuses for good.
            CheckRun();
            _refused = refused as CheckpointException ?? CheckpointException.Refused(next.Label.FolderName, refused, _store.IsEmpty);
            _queue.Keep(next);
            WarnOfRefusal(refused);
            EndWriting();
            return false;
        }

        _queue.End(next);
        Delete(() => _store.CleanUp(_retention));
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
        Checkpoint saved = _store.Write(pending.Draft, pending.Label, _model, _runId, _time.GetUtcNow());
        _journal.Write(new CheckpointSaved(
            saved.Path, pending.Label.CompletedEpoch ?? pending.Label.Cursor.Epoch, pending.Label.Cursor.GlobalStep, saved.Bytes,
            _time.GetElapsedTime(pending.TakenAt).TotalSeconds, pending.Held.TotalSeconds)
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
            Warn($"Old checkpoints in {_store.Path} could not be deleted: {StorageError.Describe(refused)}");
        }
    }

    private void Warn(string message) => _journal.Write(new RunWarning(message));
}
