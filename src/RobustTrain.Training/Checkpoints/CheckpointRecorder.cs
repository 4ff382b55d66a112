using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// Takes checkpoints of a training's parts, and brings the parts back to one. Taking one holds the training for the copy to memory;
/// within an epoch the disk works beside the next steps. A disk that refuses stops no training: what it refused is kept in memory
/// and tried again with the next checkpoint, and the last good one stays.
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
    private readonly Stack<CheckpointDraft> _free = new();
    private readonly List<PendingCheckpoint> _pending = [];
    private Task _writing = Task.CompletedTask;

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

    /// <summary>Brings every part to the state of the newest checkpoint that is whole.</summary>
    /// <returns>False where there is no checkpoint.</returns>
    /// <exception cref="CheckpointException">The checkpoint is of another model, or all of them are damaged.</exception>
    public bool RestoreLatest() => Restore(_store.OpenLatest(Warn));

    /// <summary>Brings every part to the state of the newest whole checkpoint that stands between two epochs.</summary>
    /// <inheritdoc cref="RestoreLatest"/>
    public bool RestoreLatestEpoch()
    {
        _writing.GetAwaiter().GetResult();
        return Restore(_store.OpenLatestEpoch(Warn));
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

    /// <summary>Takes a checkpoint and writes it beside the next steps; takes none where the last one is still being written.</summary>
    /// <returns>Whether it was taken.</returns>
    public bool TrySaveBeside(CheckpointLabel label)
    {
        if (!_writing.IsCompleted)
            return false;
        Take(label, writeFiles: null);
        _writing = Task.Run(WritePending);
        return true;
    }

    /// <summary>Takes a checkpoint and waits until it is written, or until the disk has refused it.</summary>
    /// <param name="label">What it says about itself.</param>
    /// <param name="writeFiles">Writes what has to be on disk before it.</param>
    public void Save(CheckpointLabel label, Action? writeFiles = null)
    {
        _writing.GetAwaiter().GetResult();
        Take(label, writeFiles);
        WritePending();
    }

    /// <summary>Waits until everything is on disk.</summary>
    /// <exception cref="CheckpointException">The disk still refuses some of it.</exception>
    public void Complete()
    {
        _writing.GetAwaiter().GetResult();
        if (_pending.Count > 0 && WritePending() is { } refused)
            throw refused;
    }

    /// <inheritdoc/>
    public void Dispose() => _writing.GetAwaiter().GetResult();

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

    private void Take(CheckpointLabel label, Action? writeFiles)
    {
        long now = _time.GetTimestamp();
        CheckpointDraft draft = _free.TryPop(out CheckpointDraft? free) ? free : new CheckpointDraft();
        draft.Clear();
        foreach (ICheckpointPart part in _parts)
            part.Save(draft);
        _pending.Add(new PendingCheckpoint(draft, label, writeFiles, now));
        DropSuperfluous();
    }

    // Of those that the disk has refused, only the newest and the newest best are worth their memory; the epochs' files all are.
    private void DropSuperfluous()
    {
        int best = _pending.FindLastIndex(pending => pending.Label.IsBest);
        for (int i = _pending.Count - 2; i >= 0; i--)
        {
            if (i == best || _pending[i].Draft is not { } draft)
                continue;
            _free.Push(draft);
            _pending[i] = _pending[i] with { Draft = null };
        }

        _pending.RemoveAll(pending => pending is { Draft: null, WriteFiles: null });
    }

    private CheckpointException? WritePending()
    {
        while (_pending.Count > 0)
        {
            PendingCheckpoint next = _pending[0];
            try
            {
                Write(next);
            }
            catch (Exception refused) when (refused is CheckpointException or IOException or UnauthorizedAccessException)
            {
                CheckpointException told = refused as CheckpointException ?? CheckpointException.Refused(next.Label.FolderName, refused);
                Warn($"{told.Message} The training goes on, and tries again with the next checkpoint.");
                return told;
            }

            if (next.Draft is not null)
                _free.Push(next.Draft);
            _pending.RemoveAt(0);
        }

        CleanUp();
        return null;
    }

    private void Write(PendingCheckpoint pending)
    {
        pending.WriteFiles?.Invoke();
        if (pending.Draft is null)
            return;
        Checkpoint saved = _store.Write(pending.Draft, pending.Label, _model, _runId, _time.GetUtcNow());
        _journal.Write(new CheckpointSaved(
            saved.Path, pending.Label.CompletedEpoch ?? pending.Label.Cursor.Epoch, pending.Label.Cursor.GlobalStep, saved.Bytes,
            _time.GetElapsedTime(pending.TakenAt).TotalSeconds));
    }

    private void CleanUp()
    {
        try
        {
            _store.CleanUp(_retention);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            Warn($"Old checkpoints in {_store.Path} could not be deleted: {StorageError.Describe(refused)}");
        }
    }

    private void Warn(string message) => _journal.Write(new RunWarning(message));
}
