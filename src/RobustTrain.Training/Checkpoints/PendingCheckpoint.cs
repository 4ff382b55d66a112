namespace RobustTrain.Training.Checkpoints;

/// <summary>A checkpoint that waits to be written.</summary>
/// <param name="Draft">Its content; null where a newer one has made it superfluous and only its files are still to be written.</param>
/// <param name="Label">What it says about itself.</param>
/// <param name="WriteFiles">Writes what has to be on disk before it; null where there is nothing.</param>
/// <param name="TakenAt">The clock's time stamp when it was taken.</param>
/// <param name="Held">How long taking it has held the training.</param>
internal sealed record PendingCheckpoint(CheckpointDraft? Draft, CheckpointLabel Label, Action? WriteFiles, long TakenAt, TimeSpan Held);
