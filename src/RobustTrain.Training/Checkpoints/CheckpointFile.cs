using System.Text.Json.Serialization;

namespace RobustTrain.Training.Checkpoints;

/// <summary>What a manifest says of one file of its checkpoint.</summary>
/// <param name="Bytes">The file's size.</param>
/// <param name="Sha256">The SHA-256 of its content, in lower-case hexadecimal; null in manifests of format 2.</param>
/// <param name="PiecesSha256">
/// Only in manifests of format 2: the SHA-256 of the list of the SHA-256 of its pieces, as
/// <c>split -b 128K --filter=sha256sum FILE | sha256sum</c> prints it.
/// </param>
public sealed record CheckpointFile(
    long Bytes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Sha256 = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? PiecesSha256 = null);
