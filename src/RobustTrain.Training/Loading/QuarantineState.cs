using System.Security.Cryptography;
using System.Text;
using RobustTrain.Data.Loading.Recovery;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;

namespace RobustTrain.Training.Loading;

/// <summary>
/// The samples that a run goes without, as they were at the cursor. Their file is shared with other runs and may change at any time;
/// a training that goes on from a checkpoint goes on with the checkpoint's list, so that its stream stays the same.
/// </summary>
/// <param name="cursor">Where the next batch of training is taken.</param>
/// <param name="outlastsStage">Whether a stage that begins has the samples of the one before.</param>
internal sealed class QuarantineState(Func<TrainingCursor> cursor, bool outlastsStage = true) : ICheckpointState
{
    private const string StateKey = "quarantine";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (Quarantine Quarantine, bool IsTraining)> _kept = new(StringComparer.Ordinal);
    private readonly HashSet<(string Split, int Sample)> _told = [];
    private Dictionary<string, List<QuarantineMark>> _restored = new(StringComparer.Ordinal);

    /// <summary>Takes a loader's quarantine in, and brings it to where the checkpoint left it.</summary>
    /// <param name="split">What the loader loads.</param>
    /// <param name="quarantine">Its quarantine.</param>
    /// <param name="isTraining">Whether its stream moves with the cursor; others go through whole epochs between two positions of it.</param>
    public void Add(string split, Quarantine quarantine, bool isTraining)
    {
        lock (_gate)
        {
            _kept[split] = (quarantine, isTraining);
            Restore(split, quarantine);
        }
    }

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        TrainingCursor at = cursor();
        lock (_gate)
        {
            // A split whose loader has not been asked for in this process keeps what the last checkpoint said of it.
            var state = new Dictionary<string, List<QuarantineMark>>(_restored, StringComparer.Ordinal);
            foreach ((string split, (Quarantine Quarantine, bool IsTraining) kept) in _kept)
                state[split] = StateOf(kept, at);
            draft.Set(StateKey, state);
        }
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive)
    {
        // A checkpoint of an earlier version has no list; then the file as it is now counts.
        if (archive.Find<Dictionary<string, List<QuarantineMark>>>(StateKey) is not { } state)
            return;
        lock (_gate)
        {
            _restored = state;
            foreach ((string split, (Quarantine quarantine, _)) in _kept)
                Restore(split, quarantine);
            _told.Clear();
            _told.UnionWith(Found().Select(found => (found.Split, found.Entry.SampleIndex)));
        }
    }

    /// <inheritdoc/>
    public void BeginStage(CheckpointArchive former)
    {
        if (outlastsStage)
            Load(former);
    }

    /// <summary>Goes on at all ranks with what the first one has: the file may have changed between their looks at it.</summary>
    public void Share(Ranks ranks)
    {
        if (ranks.IsAlone)
            return;
        lock (_gate)
        {
            TrainingCursor at = cursor();
            Dictionary<string, List<QuarantineMark>> state = ranks.FromFirst(
                new CollectivePurpose("quarantine", at.GlobalStep),
                () => _kept.ToDictionary(kept => kept.Key, kept => StateOf(kept.Value, at)));
            if (ranks.IsFirst)
                return;
            foreach ((string split, (Quarantine quarantine, _)) in _kept)
                quarantine.Restore(state[split]);
        }
    }

    /// <summary>The samples that this rank's loaders have found out, by split, since the last call: what the other ranks have to be told.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<QuarantineEntry>> TakeFound()
    {
        lock (_gate)
        {
            return Found().Where(found => _told.Add((found.Split, found.Entry.SampleIndex)))
                .GroupBy(found => found.Split, found => found.Entry)
                .ToDictionary(split => split.Key, split => (IReadOnlyList<QuarantineEntry>)[.. split]);
        }
    }

    /// <summary>Takes over what another rank's loaders have found out.</summary>
    public void Learn(IReadOnlyDictionary<string, IReadOnlyList<QuarantineEntry>> found)
    {
        lock (_gate)
        {
            foreach ((string split, IReadOnlyList<QuarantineEntry> entries) in found)
            {
                foreach (QuarantineEntry entry in entries)
                {
                    _told.Add((split, entry.SampleIndex));
                    _kept[split].Quarantine.Learn(entry);
                }
            }
        }
    }

    // A batch of training that goes without a sample says so when it is due.
    private IEnumerable<(string Split, QuarantineEntry Entry)> Found() => _kept.SelectMany(kept => kept.Value.Quarantine.Entries
        .Where(entry => entry.Epoch is not null && (entry.Batch is not null || !kept.Value.IsTraining))
        .Select(entry => (kept.Key, entry)));

    private static List<QuarantineMark> StateOf((Quarantine Quarantine, bool IsTraining) kept, TrainingCursor at) =>
        [.. kept.IsTraining ? kept.Quarantine.StateAt(at.Epoch, at.Batch) : kept.Quarantine.StateAt(at.Epoch + 1, 0)];

    // Once: from then on the loader's quarantine knows more than the checkpoint did.
    private void Restore(string split, Quarantine quarantine)
    {
        if (_restored.Remove(split, out List<QuarantineMark>? state))
            quarantine.Restore(state);
    }
}

/// <summary>Where runs over the same data find each other's quarantine.</summary>
internal static class QuarantineLocation
{
    private const int HashLetters = 12;

    /// <summary>
    /// The file that the configuration names; else one for the dataset, in <c>quarantine/</c> beside the run's folder, since the data itself
    /// may lie where the run may not write. Null where there is no dataset on disk.
    /// </summary>
    public static string? Of(TrainingConfig config, string runPath)
    {
        if (config.Loader.QuarantinePath is { Length: > 0 } named)
            return named;
        if (config.Data.Path.Length == 0)
            return null;
        string data = Path.TrimEndingDirectorySeparator(Path.GetFullPath(config.Data.Path));
        string real = Directory.Exists(data) ? Directory.ResolveLinkTarget(data, returnFinalTarget: true)?.FullName ?? data : data;
        string key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(real)))[..HashLetters];
        string runs = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(runPath))) ?? runPath;
        return Path.Combine(runs, "quarantine", $"{config.Data.Dataset}-{key}.json");
    }
}
