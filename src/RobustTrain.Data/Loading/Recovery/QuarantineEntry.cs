namespace RobustTrain.Data.Loading.Recovery;

/// <summary>A sample that is not to be loaded, and why.</summary>
/// <param name="SampleIndex">Its index in the dataset.</param>
/// <param name="Sample">Its name.</param>
/// <param name="Since">Since when, UTC.</param>
/// <param name="Evidence">What happened each time, one sentence each.</param>
/// <param name="Files">Its files as they were; when one changes, the quarantine ends.</param>
public sealed record QuarantineEntry(int SampleIndex, string Sample, DateTimeOffset Since, IReadOnlyList<string> Evidence, IReadOnlyList<FileStamp> Files)
{
    /// <summary>The part of the data that it belongs to, as a split: names are unique only there; null where there are no parts.</summary>
    public string? Part { get; init; }

    /// <summary>The epoch in which this loader met it, which goes without it since the next; null where an earlier run had met it.</summary>
    public int? Epoch { get; init; }

    /// <summary>The batch of that epoch that went without it; null until it is due.</summary>
    public int? Batch { get; init; }
}

/// <summary>What of a sample in quarantine decides which samples a stream delivers; the same however the sample was found out.</summary>
/// <param name="SampleIndex">Its index in the dataset.</param>
/// <param name="Sample">Its name.</param>
/// <param name="Epoch">The epoch in which this run met it; null where an earlier run had.</param>
/// <param name="Batch">The batch of that epoch that went without it.</param>
public sealed record QuarantineMark(int SampleIndex, string Sample, int? Epoch, int? Batch);

/// <summary>A file as it was at a time.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Bytes">Its length; -1 where it was not there.</param>
/// <param name="Modified">When it was last written, UTC.</param>
public sealed record FileStamp(string Path, long Bytes, DateTimeOffset Modified)
{
    /// <summary>A file as it is now.</summary>
    public static FileStamp Of(string path)
    {
        FileInfo file = new(path);
        return file.Exists
            ? new FileStamp(path, file.Length, file.LastWriteTimeUtc)
            : new FileStamp(path, -1, DateTimeOffset.UnixEpoch);
    }
}
