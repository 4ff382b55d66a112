namespace RobustTrain.Chaos;

/// <summary>A disk that is small and ours, so that it can be filled.</summary>
/// <param name="folder">Where it is mounted.</param>
internal sealed class SmallDisk(string folder)
{
    private string FillerPath => Path.Combine(folder, "filler");

    /// <summary>Takes all the space there is.</summary>
    public void Fill()
    {
        using FileStream filler = new(FillerPath, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (int bytes in (ReadOnlySpan<int>)[1 << 20, 1 << 12])
            WriteUntilRefused(filler, new byte[bytes]);
    }

    /// <summary>Gives it back.</summary>
    public void Free() => File.Delete(FillerPath);

    private static void WriteUntilRefused(FileStream filler, byte[] bytes)
    {
        try
        {
            while (true)
                filler.Write(bytes);
        }
        catch (IOException)
        {
            // That is the point.
        }
    }
}
