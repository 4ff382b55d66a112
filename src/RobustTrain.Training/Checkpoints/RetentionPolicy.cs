using RobustTrain.Runs.Configuration;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// Which checkpoints stay. Whatever the configuration says, the two newest, the two newest between epochs and the two newest best ones do:
/// were the newest damaged, the one before it and the best that it knew of are what the training goes on from.
/// </summary>
/// <param name="config">What the configuration asks for.</param>
internal sealed class RetentionPolicy(CheckpointConfig config)
{
    private const int Spare = 2;

    /// <summary>The checkpoints that stay.</summary>
    /// <param name="checkpoints">All checkpoints, the newest first.</param>
    public IReadOnlySet<Checkpoint> Kept(IReadOnlyList<Checkpoint> checkpoints) => checkpoints
        .Take(Spare)
        .Concat(checkpoints.Where(checkpoint => checkpoint.Manifest.Cursor.Batch == 0).Take(Spare))
        .Concat(checkpoints.Where(checkpoint => checkpoint.Manifest.IsBest).Take(Spare))
        .Concat(checkpoints.Where(IsAskedFor))
        .ToHashSet();

    private bool IsAskedFor(Checkpoint checkpoint) => config.Keep switch
    {
        "all" => checkpoint.Manifest.CompletedEpoch is not null,
        "every" => checkpoint.Manifest.CompletedEpoch is int epoch && (epoch + 1) % config.KeepEvery == 0,
        _ => false,
    };
}
