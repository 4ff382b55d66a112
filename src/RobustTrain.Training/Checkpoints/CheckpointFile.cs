using System.Text.Json.Serialization;

namespace RobustTrain.Training.Checkpoints;

/// <summary>What a manifest says of one file of its checkpoint.</summary>
/// <param name="Bytes">The file's size.</param>
/// <param name="PiecesSha256">
/// The SHA-256, in lower-case hexadecimal, of the list of the SHA-256 of its pieces:
/// <c>split -b 128K --filter=sha256sum FILE | sha256sum</c>. Null in manifests of format 1.
/// </param>
/// <param name="Sha256">The SHA-256 of its content; only in manifests of format 1.</param>
public sealed record CheckpointFile(
    long Bytes,
    string? PiecesSha256 = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Sha256 = null);
