using System.Text.Json;
using RobustTrain.Platform;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// The folder <c>checkpoints/</c> of a run. A checkpoint is written under a temporary name, flushed, and renamed, so under its own name
/// it is whole. Which one is the latest or the best, the manifests say.
/// </summary>
/// <param name="path">The folder; it is made when the first checkpoint is written.</param>
public sealed class CheckpointStore(string path)
{
    private const string Latest = "latest";

    private readonly CheckpointStaging _staging = new(path);

    // What has turned out to be no good when it was read, and whether its bytes prove it: a disk that can't be read may come back.
    private readonly Dictionary<string, bool> _unusable = new(StringComparer.Ordinal);

    // Of the newest checkpoint when they were listed last; no other process writes to a run that is held.
    private long? _lastSequence;

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>Whether it holds no checkpoint, good or damaged.</summary>
    internal bool IsEmpty
    {
        get
        {
            try
            {
                return !Directory.Exists(Path) || Directory.EnumerateDirectories(Path).All(CheckpointStaging.IsHidden);
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                // That it is empty would be a claim.
                return false;
            }
        }
    }

    /// <summary>
    /// The checkpoints whose manifests can be read, the newest first: the one that was written last, even where a rollback
    /// has brought the training back to an earlier step.
    /// </summary>
    /// <param name="warn">Is told, in one sentence, of each folder that is passed over.</param>
    /// <exception cref="CheckpointException">A checkpoint was written by a newer version.</exception>
    public IReadOnlyList<Checkpoint> List(Action<string>? warn = null)
    {
        if (!Directory.Exists(Path))
            return [];

        var checkpoints = new List<Checkpoint>();
        foreach (string folder in Directory.EnumerateDirectories(Path))
        {
            if (CheckpointStaging.IsHidden(folder))
                continue;
            try
            {
                checkpoints.Add(Open(folder));
            }
            catch (CheckpointException unusable) when (unusable.ErrorId is CheckpointException.Damaged or CheckpointException.NotFound)
            {
                Remember(folder, unusable);
                warn?.Invoke(unusable.Message);
            }
        }

        checkpoints.Sort((one, other) => other.Manifest.Sequence.CompareTo(one.Manifest.Sequence));
        return checkpoints;
    }

    /// <summary>Reads the manifest of one checkpoint.</summary>
    /// <exception cref="CheckpointException">The folder is no checkpoint, its manifest is damaged, or a newer version wrote it.</exception>
    public static Checkpoint Open(string folder)
    {
        string manifestPath = System.IO.Path.Combine(folder, Checkpoint.ManifestFile);
        if (!File.Exists(manifestPath))
            throw new CheckpointException(CheckpointException.NotFound, $"{folder} is no checkpoint: it has no {Checkpoint.ManifestFile}.", folder);

        try
        {
            byte[] json = File.ReadAllBytes(manifestPath);
            if (JsonDocument.Parse(json).RootElement.GetProperty("format").GetInt32() is int format && format > CheckpointManifest.NewestFormat)
            {
                throw new CheckpointException(
                    CheckpointException.NewerFormat,
                    $"The checkpoint {folder} has format {format}, written by a newer version; this version reads formats up to {CheckpointManifest.NewestFormat}.", folder);
            }

            return new Checkpoint(folder, JsonSerializer.Deserialize<CheckpointManifest>(json, CheckpointJson.Options)!);
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(CheckpointException.Damaged, $"The checkpoint manifest {manifestPath} is damaged or can't be read.", manifestPath, broken);
        }
    }

    /// <summary>The newest checkpoint whose files are all as its manifest says; null where there is no checkpoint at all.</summary>
    /// <param name="warn">Is told, in one sentence, of each one that is passed over.</param>
    /// <exception cref="CheckpointException">There are checkpoints, but all of them are damaged.</exception>
    internal CheckpointArchive? OpenLatest(Action<string> warn)
    {
        IReadOnlyList<Checkpoint> readable = List(warn);
        return readable.Count > 0 || _unusable.Count == 0 ? OpenFirst(readable, warn, Latest) : throw new CheckpointException(
            CheckpointException.Damaged, $"No checkpoint in {Path} can be read, {Counted.Of(_unusable.Count, "is", "are")} damaged; without that folder the training begins again.", Path);
    }

    /// <summary>The newest whole checkpoint that stands between two epochs, at or after one step and before another; null where there is none.</summary>
    /// <inheritdoc cref="OpenLatest"/>
    internal CheckpointArchive? OpenEpochBefore(long globalStep, long firstStep, Action<string> warn) =>
        OpenFirst([.. List(warn).Where(checkpoint => checkpoint.Manifest.Cursor is { Batch: 0 } cursor && cursor.GlobalStep >= firstStep && cursor.GlobalStep < globalStep)], warn, "last epoch's");

    /// <summary>The newest checkpoint that was the best when it was written; null where no epoch was validated.</summary>
    /// <inheritdoc cref="OpenLatest"/>
    internal CheckpointArchive? OpenBest(Action<string> warn) =>
        OpenFirst([.. List(warn).Where(checkpoint => checkpoint.Manifest.IsBest)], warn, "best");

    /// <summary>Writes a checkpoint.</summary>
    /// <param name="draft">Its content.</param>
    /// <param name="label">What it says about itself.</param>
    /// <param name="model">The network.</param>
    /// <param name="runId">The run.</param>
    /// <param name="now">When it was taken.</param>
    /// <exception cref="CheckpointException">The disk refuses it; the other checkpoints are as they were.</exception>
    internal Checkpoint Write(CheckpointDraft draft, CheckpointLabel label, ModelIdentity model, string runId, DateTimeOffset now)
    {
        string target = System.IO.Path.Combine(Path, label.FolderName);
        string temporary = _staging.TemporaryOf(target);
        try
        {
            _staging.Begin(temporary);
            var files = new Dictionary<string, CheckpointFile>();
            foreach ((string name, List<HostTensor> tensors) in draft.Files)
                files.Add(name, DigestedFile.Write(System.IO.Path.Combine(temporary, name), SafeTensorsWriter.Parts(tensors)));
            files.Add(Checkpoint.StateFile, WriteJson(System.IO.Path.Combine(temporary, Checkpoint.StateFile), draft.State));

            var manifest = new CheckpointManifest
            {
                RunId = runId,
                Sequence = (_lastSequence ??= List() is [var newest, ..] ? newest.Manifest.Sequence : 0) + 1,
                Created = now,
                Model = model,
                Cursor = label.Cursor,
                CompletedEpoch = label.CompletedEpoch,
                Scores = label.Scores,
                IsBest = label.IsBest,
                Files = files,
            };
            WriteJson(System.IO.Path.Combine(temporary, Checkpoint.ManifestFile), manifest);
            DurableFile.FlushFolder(temporary);
            target = _staging.Show(temporary, target);
            _lastSequence = manifest.Sequence;
            _unusable.Remove(target);
            return new Checkpoint(target, manifest);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            CheckpointStaging.DeleteQuietly(temporary);
            throw CheckpointException.Refused(target, refused, IsEmpty);
        }
    }

    /// <summary>
    /// Deletes the checkpoints that the policy doesn't keep, those that were found damaged, and what an interrupted write or a replaced
    /// checkpoint left behind. Checkpoints that were found unusable do not count among those that the policy keeps.
    /// </summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    internal void CleanUp(RetentionPolicy retention)
    {
        DeleteLeftovers();
        IReadOnlyList<Checkpoint> checkpoints = [.. List().Where(checkpoint => !_unusable.ContainsKey(checkpoint.Path))];
        IReadOnlySet<Checkpoint> kept = retention.Kept(checkpoints);
        foreach (Checkpoint checkpoint in checkpoints.Where(checkpoint => !kept.Contains(checkpoint)))
            _staging.Delete(checkpoint.Path);
        foreach (string damaged in _unusable.Where(folder => folder.Value && Directory.Exists(folder.Key)).Select(folder => folder.Key))
            _staging.Delete(damaged);
    }

    /// <summary>Deletes what an interrupted write or a replaced checkpoint left behind.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    internal void DeleteLeftovers() => _staging.DeleteLeftovers();

    private void Remember(string folder, CheckpointException unusable)
    {
        bool isProven = unusable.ErrorId == CheckpointException.Damaged
            && unusable.InnerException is null or FileNotFoundException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException;
        _unusable[folder] = isProven;
    }

    private CheckpointArchive? OpenFirst(IReadOnlyList<Checkpoint> checkpoints, Action<string> warn, string which)
    {
        CheckpointException? last = null;
        foreach (Checkpoint checkpoint in checkpoints)
        {
            if (last is not null)
                warn($"{last.Message} The checkpoint before it is taken instead.");
            try
            {
                return CheckpointArchive.Open(checkpoint);
            }
            catch (CheckpointException damaged) when (damaged.ErrorId == CheckpointException.Damaged)
            {
                Remember(checkpoint.Path, damaged);
                last = damaged;
            }
        }

        return last is null ? null : throw new CheckpointException(
            CheckpointException.Damaged, $"{(checkpoints.Count == 1 ? $"The only candidate for the {which} checkpoint is damaged" : $"All {checkpoints.Count} candidates for the {which} checkpoint are damaged; the last one")}: {last.Message.TrimEnd('.')}{(which == Latest ? $"; without the folder {Path} the training begins again" : "")}.", checkpoints[^1].Path, last);
    }

    private static CheckpointFile WriteJson<T>(string file, T value) =>
        DigestedFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(value, CheckpointJson.Options));
}

/// <summary>
/// Which checkpoints stay. Whatever the configuration says, the two newest, the two newest between epochs and the two newest best ones do:
/// were the newest damaged, the one before it and the best that it knew of are what the training goes on from.
/// </summary>
/// <param name="config">What the configuration asks for.</param>
internal sealed class RetentionPolicy(CheckpointConfig config)
{
    private const int Spare = 2;

    /// <summary>The checkpoints that stay.</summary>
    /// <param name="checkpoints">All checkpoints, the newest first.</param>
    public IReadOnlySet<Checkpoint> Kept(IReadOnlyList<Checkpoint> checkpoints) => checkpoints
        .Take(Spare)
        .Concat(checkpoints.Where(checkpoint => checkpoint.Manifest.Cursor.Batch == 0).Take(Spare))
        .Concat(checkpoints.Where(checkpoint => checkpoint.Manifest.IsBest).Take(Spare))
        .Concat(checkpoints.Where(IsAskedFor))
        .ToHashSet();

    private bool IsAskedFor(Checkpoint checkpoint) => config.Keep switch
    {
        "all" => checkpoint.Manifest.CompletedEpoch is not null,
        "every" => checkpoint.Manifest.CompletedEpoch is int epoch && (epoch + 1) % config.KeepEvery == 0,
        _ => false,
    };
}

/// <summary>The checkpoint being written and the one being removed, under hidden names beside a run's checkpoints.</summary>
/// <param name="path">The folder of the checkpoints.</param>
internal sealed class CheckpointStaging(string path)
{
    // Both begin with a dot: a reader never takes them for checkpoints.
    private const string TemporaryPrefix = ".writing-";
    private const string ReplacedPrefix = ".replaced-";

    // What a checkpoint's name ends with that has replaced one of the name where two names can't be exchanged.
    private const string OtherSuffix = "-b";

    /// <summary>Whether a folder beside the checkpoints is one that staging made.</summary>
    public static bool IsHidden(string folder) => Path.GetFileName(folder).StartsWith('.');

    /// <summary>Where a checkpoint is while it is written.</summary>
    public string TemporaryOf(string target) => Path.Combine(path, TemporaryPrefix + Path.GetFileName(target));

    /// <summary>Makes an empty folder.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Begin(string temporary)
    {
        if (Directory.Exists(temporary))
            Directory.Delete(temporary, recursive: true);
        Directory.CreateDirectory(temporary);
    }

    /// <summary>Gives a folder that is written and flushed its name, in place of what has it.</summary>
    /// <returns>The folder under its name; under the name's other one where the file system can't exchange two, as on Windows.</returns>
    /// <exception cref="IOException">The disk refuses.</exception>
    /// <remarks>At no moment is there neither the old checkpoint nor the new one.</remarks>
    public string Show(string temporary, string target)
    {
        string other = target + OtherSuffix;
        if (Directory.Exists(target) && !Directory.Exists(other))
        {
            if (DurableFile.TryExchangeFolders(temporary, target))
            {
                DurableFile.FlushFolder(path);
                Directory.Delete(temporary, recursive: true);
                return target;
            }

            (target, other) = (other, target);
        }

        // Both are there where a process was killed between the two last steps below; the other one is the newer then.
        if (Directory.Exists(target))
            Delete(target);
        DurableFile.MoveFolder(temporary, target);
        DurableFile.FlushFolder(path);
        if (Directory.Exists(other))
            DeleteQuietly(() => Delete(other));
        return target;
    }

    /// <summary>Deletes a checkpoint.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Delete(string folder) => Directory.Delete(Hide(folder), recursive: true);

    /// <summary>Deletes what an interrupted write or a replaced checkpoint left behind.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void DeleteLeftovers()
    {
        if (!Directory.Exists(path))
            return;
        foreach (string leftover in Directory.EnumerateDirectories(path, ".*"))
        {
            string name = Path.GetFileName(leftover);
            if (name.StartsWith(TemporaryPrefix, StringComparison.Ordinal) || name.StartsWith(ReplacedPrefix, StringComparison.Ordinal))
                Directory.Delete(leftover, recursive: true);
        }
    }

    /// <summary>Deletes a folder, if the disk lets it.</summary>
    public static void DeleteQuietly(string folder) => DeleteQuietly(() =>
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    });

    private static void DeleteQuietly(Action delete)
    {
        try
        {
            delete();
        }
        catch (IOException)
        {
            // The next clean-up takes it. Here something else is worth telling: an error that led here, or a checkpoint that is written.
        }
        catch (UnauthorizedAccessException)
        {
        }
    }

    // Out of sight under another name, so that a crash in the middle of what follows leaves no half of a checkpoint under its own.
    private string Hide(string folder)
    {
        string hidden = Path.Combine(path, ReplacedPrefix + Path.GetFileName(folder));
        if (Directory.Exists(hidden))
            Directory.Delete(hidden, recursive: true);
        DurableFile.MoveFolder(folder, hidden);
        return hidden;
    }
}
