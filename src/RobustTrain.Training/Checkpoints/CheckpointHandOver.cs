using RobustTrain.Training.Distributed;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// Brings all ranks to one checkpoint. The first rank chooses and reads it, and hands its files to the others, which need no file system in common
/// with it: they keep them, as long as they read them, in a folder for temporary files.
/// </summary>
/// <param name="ranks">The ranks.</param>
internal sealed class CheckpointHandOver(Ranks ranks)
{
    // As much is in memory twice for a moment.
    private const int ChunkBytes = 16 << 20;

    /// <summary>Has all ranks read the checkpoint that the first one opens.</summary>
    /// <param name="open">Opens it, at the first rank only; null where there is none.</param>
    /// <param name="read">Reads it, at each rank.</param>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="Runs.RunException">It can't be used.</exception>
    public bool Read(Func<CheckpointArchive?> open, Action<CheckpointArchive> read)
    {
        if (ranks.IsAlone)
        {
            if (open() is not { } only)
                return false;
            read(only);
            return true;
        }

        CheckpointArchive? archive = null;
        CollectivePurpose purpose = new("checkpoint", 0);
        List<SharedFile>? files = ranks.FromFirst(purpose, () => (archive = open()) is null ? null : FilesOf(archive.Checkpoint.Path));
        if (files is null)
            return false;

        using TemporaryFolder? copy = ranks.IsFirst ? null : new TemporaryFolder();
        foreach (SharedFile file in files)
            Send(file, archive?.Checkpoint.Path ?? copy!.Path, purpose);
        ranks.All(purpose, () =>
        {
            read(archive ?? CheckpointArchive.Open(CheckpointStore.Open(copy!.Path)));
            return true;
        });
        return true;
    }

    private static List<SharedFile> FilesOf(string folder) =>
        [.. new DirectoryInfo(folder).EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => new SharedFile(file.Name, file.Length))];

    // What a rank can't read or write, all are told of, chunk by chunk, so that none waits for another.
    private void Send(SharedFile file, string folder, CollectivePurpose purpose)
    {
        FileStream? stream = null;
        try
        {
            byte[] chunk = new byte[Math.Min(file.Bytes, ChunkBytes)];
            for (long sent = 0; sent < file.Bytes; sent += chunk.Length)
            {
                Span<byte> part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, file.Bytes - sent));
                byte[] bytes = part.ToArray();
                ranks.All(purpose, () =>
                {
                    stream ??= ranks.IsFirst ? File.OpenRead(Path.Combine(folder, file.Name)) : File.Create(Path.Combine(folder, file.Name));
                    if (ranks.IsFirst)
                        stream.ReadExactly(bytes);
                    return true;
                });
                ranks.Broadcast(bytes.AsSpan(), root: 0, purpose);
                ranks.All(purpose, () =>
                {
                    if (!ranks.IsFirst)
                        stream!.Write(bytes);
                    return true;
                });
            }

            if (file.Bytes == 0 && !ranks.IsFirst)
                File.Create(Path.Combine(folder, file.Name)).Dispose();
        }
        finally
        {
            stream?.Dispose();
        }
    }

    private sealed record SharedFile(string Name, long Bytes);

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("robusttrain-checkpoint-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
