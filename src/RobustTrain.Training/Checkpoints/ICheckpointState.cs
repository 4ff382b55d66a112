namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// A part of the training that a checkpoint must hold so that the training goes on from it with the same bits.
/// Each part reads back exactly what it wrote; the checkpoint knows none of them.
/// </summary>
internal interface ICheckpointState
{
    /// <summary>Copies the state into <paramref name="draft"/>; what happens to the part afterwards doesn't change the draft.</summary>
    void Save(CheckpointDraft draft);

    /// <summary>Takes the state over from <paramref name="archive"/>.</summary>
    /// <exception cref="CheckpointException">The checkpoint holds no such state, or one of another shape.</exception>
    void Load(CheckpointArchive archive);
}
