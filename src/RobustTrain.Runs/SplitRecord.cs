namespace RobustTrain.Runs;

/// <summary>What a split of a run's data held, by which the same data are known elsewhere.</summary>
/// <param name="Split">The split's name for people.</param>
/// <param name="Samples">Its samples.</param>
/// <param name="Bytes">The bytes of its files.</param>
/// <param name="Digest">SHA-256 of the names of its samples and the sizes of their files, in order, in hexadecimal.</param>
public sealed record SplitRecord(string Split, int Samples, long Bytes, string Digest);
