using RobustTrain.Runs.Events;

namespace RobustTrain.Training.Checkpoints;

/// <summary>Takes checkpoints of a training's parts, and brings the parts back to the latest one.</summary>
/// <param name="store">The run's checkpoints.</param>
/// <param name="retention">Which of them stay.</param>
/// <param name="parts">What a checkpoint holds.</param>
/// <param name="model">The network that the checkpoints are of.</param>
/// <param name="runId">The run.</param>
/// <param name="journal">Is told of checkpoints, and of those that can't be used.</param>
/// <param name="time">The clock.</param>
internal sealed class CheckpointRecorder(
    CheckpointStore store, RetentionPolicy retention, IReadOnlyList<ICheckpointPart> parts, ModelIdentity model, string runId, IRunJournal journal, TimeProvider time)
{
    private readonly CheckpointDraft _draft = new();

    /// <summary>Brings every part to the state of the newest checkpoint that is whole.</summary>
    /// <returns>False where there is no checkpoint.</returns>
    /// <exception cref="CheckpointException">The checkpoint is of another model, or all of them are damaged.</exception>
    public bool RestoreLatest()
    {
        if (store.OpenLatest(Warn) is not { } archive)
            return false;
        CheckModel(archive, model);
        foreach (ICheckpointPart part in parts)
            part.Load(archive);
        return true;
    }

    /// <summary>Brings one part to its state in the best checkpoint, or in the latest where none is marked as best.</summary>
    /// <returns>The checkpoint.</returns>
    /// <exception cref="CheckpointException">There is none that can be used.</exception>
    public Checkpoint RestoreBest(ICheckpointPart part)
    {
        CheckpointArchive archive = store.OpenBest(Warn) ?? store.OpenLatest(Warn)
            ?? throw new CheckpointException(CheckpointException.NotFound, $"{store.Path} holds no checkpoint.", store.Path);
        part.Load(archive);
        return archive.Checkpoint;
    }

    /// <summary>Writes a checkpoint of the parts as they are now, and deletes those that are no longer needed.</summary>
    /// <exception cref="CheckpointException">The disk refuses.</exception>
    public void Save(CheckpointLabel label)
    {
        long started = time.GetTimestamp();
        _draft.Clear();
        foreach (ICheckpointPart part in parts)
            part.Save(_draft);
        Checkpoint saved = store.Write(_draft, label, model, runId, time.GetUtcNow());
        journal.Write(new CheckpointSaved(
            saved.Path, label.CompletedEpoch ?? label.Cursor.Epoch, label.Cursor.GlobalStep, saved.Bytes, time.GetElapsedTime(started).TotalSeconds));
        store.CleanUp(retention);
    }

    /// <summary>Refuses a checkpoint of another network.</summary>
    /// <exception cref="CheckpointException">It is of another network.</exception>
    internal static void CheckModel(CheckpointArchive archive, ModelIdentity expected)
    {
        if (archive.Checkpoint.Manifest.Model != expected)
            throw archive.OtherModel($"it holds {archive.Checkpoint.Manifest.Model}, but the configuration asks for {expected}");
    }

    private void Warn(string message) => journal.Write(new RunWarning(message));
}
