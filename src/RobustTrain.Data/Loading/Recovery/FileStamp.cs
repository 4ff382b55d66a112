namespace RobustTrain.Data.Loading.Recovery;

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
