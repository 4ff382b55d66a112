namespace RobustTrain.Training.Checkpoints;

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
