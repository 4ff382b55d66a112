namespace RobustTrain.Training.Checkpoints;

/// <summary>What a manifest says of one file of its checkpoint.</summary>
/// <param name="Bytes">The file's size.</param>
/// <param name="Sha256">SHA-256 of its content, in lower-case hexadecimal.</param>
public sealed record CheckpointFile(long Bytes, string Sha256);
