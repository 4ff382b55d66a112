using System.Security.Cryptography;

namespace RobustTrain.Chaos;

/// <summary>A checkpoint on disk.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Sequence">Its place among the run's checkpoints.</param>
/// <param name="IsBest">Whether it was the best so far when it was written.</param>
/// <param name="Digests">The SHA-256 that its manifest names for each file.</param>
internal sealed record CheckpointFiles(string Path, long Sequence, bool IsBest, IReadOnlyDictionary<string, string> Digests)
{
    /// <summary>Whether each file has the bytes that the manifest promises.</summary>
    public bool IsWhole => Digests.All(file =>
        File.Exists(FileOf(file.Key)) && Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(FileOf(file.Key)))) == file.Value);

    /// <summary>A file's path.</summary>
    public string FileOf(string name) => System.IO.Path.Combine(Path, name);
}
