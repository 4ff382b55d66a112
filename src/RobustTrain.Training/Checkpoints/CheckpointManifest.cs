namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// <c>manifest.json</c> of a checkpoint: what it is, and the size and digest of each of its files. It is written last,
/// so a folder without one is no checkpoint.
/// </summary>
public sealed record CheckpointManifest
{
    /// <summary>The format that this version writes: the SHA-256 of each whole file.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The newest format that this version reads. In format 2 a file's digest is made of those of its pieces.</summary>
    public const int NewestFormat = 2;

    /// <summary>The format of the checkpoint.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The run that wrote it.</summary>
    public required string RunId { get; init; }

    /// <summary>Its place among the checkpoints of the run in the order in which they were written, from 1.</summary>
    public required long Sequence { get; init; }

    /// <summary>When it was taken, UTC.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The network whose weights it holds.</summary>
    public required ModelIdentity Model { get; init; }

    /// <summary>Where the training goes on.</summary>
    public required TrainingCursor Cursor { get; init; }

    /// <summary>The epoch that it completes, from 0; null where it was taken within an epoch.</summary>
    public int? CompletedEpoch { get; init; }

    /// <summary>The aggregated validation scores of the completed epoch, where validation was due.</summary>
    public IReadOnlyDictionary<string, double>? Scores { get; init; }

    /// <summary>Whether its weights were the best so far when it was written.</summary>
    public bool IsBest { get; init; }

    /// <summary>Every other file of the checkpoint by name.</summary>
    public required IReadOnlyDictionary<string, CheckpointFile> Files { get; init; }
}
