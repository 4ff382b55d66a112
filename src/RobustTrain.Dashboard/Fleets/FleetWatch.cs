using RobustTrain.Dashboard.Journals;
using RobustTrain.Fleet.State;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard.Fleets;

/// <summary>The fleets among the runs' folders, by the statuses that they write for readers.</summary>
/// <param name="root">The runs' folder.</param>
/// <param name="time">The clock.</param>
internal sealed class FleetWatch(string root, TimeProvider time)
{
    private const long MostStatusBytes = 8 << 20;

    // A fleet writes its status at least each half minute.
    private static readonly TimeSpan s_isAtWork = TimeSpan.FromSeconds(90);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Seen> _seen = new(StringComparer.Ordinal);
    private readonly string _root = Path.TrimEndingDirectorySeparator(root);

    /// <summary>The fleets as they stand, in order of their paths.</summary>
    /// <param name="runs">The ids of the known runs by their folders: a fleet stands in a folder of runs.</param>
    public IReadOnlyList<FleetView> View(IReadOnlyDictionary<string, string> runs)
    {
        List<FleetView> fleets = [];
        lock (_gate)
        {
            foreach (string folder in runs.Keys.Select(run => Path.GetDirectoryName(run)!).Append(_root).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            {
                if (FleetFolder.IsFleet(folder))
                    fleets.Add(ViewOf(folder, runs));
            }
        }

        return fleets;
    }

    private FleetView ViewOf(string folder, IReadOnlyDictionary<string, string> runs)
    {
        Seen seen = Look(folder);
        string path = Path.GetRelativePath(_root, folder) is var relative and not "." ? relative.Replace('\\', '/') : Path.GetFileName(folder);
        return new FleetView(
            path, seen.Status?.Time, seen.Status is { } status && time.GetUtcNow() - status.Time < s_isAtWork, seen.Problem,
            [.. (seen.Status?.Members ?? []).Select(member => new FleetMemberView(
                member.Name, member.State.ToString().ToLowerInvariant(), member.Reason, member.Host, member.GpuIndex, member.EpochsDone, member.Epochs, member.Failures,
                runs.GetValueOrDefault(FleetFolder.RunPathOf(folder, member.Name))))],
            [.. (seen.Status?.Hosts ?? []).Select(host => new FleetHostView(host.Name, host.IsUsable, host.Reason, host.Runs))]);
    }

    private Seen Look(string folder)
    {
        FileInfo file = new(FleetFolder.StatusPathOf(folder));
        (DateTime, long) stamp = file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
        if (_seen.TryGetValue(folder, out Seen? seen) && seen.Stamp == stamp)
            return seen;
        try
        {
            seen = file.Directory!.LinkTarget is not null ? new Seen(stamp, null, $"'{file.DirectoryName}' is a symbolic link, which is not followed.")
                : !file.Exists ? new Seen(stamp, null, null)
                : new Seen(stamp, FleetFolder.ParseStatus(PlainFile.Read(file.FullName, MostStatusBytes), folder), null);
        }
        catch (Exception refused) when (refused is RunException or IOException or UnauthorizedAccessException)
        {
            seen = new Seen(stamp, null, refused.Message);
        }

        return _seen[folder] = seen;
    }

    private sealed record Seen((DateTime, long) Stamp, FleetStatus? Status, string? Problem);
}

/// <summary>A fleet, as the page is told it.</summary>
/// <param name="Path">Its folder, relative to the runs' folder.</param>
/// <param name="Time">When its process last told how it stands; null where it has not yet.</param>
/// <param name="IsAtWork">Whether that was just now.</param>
/// <param name="Problem">Why nothing can be told of it.</param>
/// <param name="Members">Its configurations.</param>
/// <param name="Hosts">Its hosts.</param>
internal sealed record FleetView(string Path, DateTimeOffset? Time, bool IsAtWork, string? Problem, IReadOnlyList<FleetMemberView> Members, IReadOnlyList<FleetHostView> Hosts);

/// <summary>A configuration of a fleet.</summary>
/// <param name="Name">The name of its run's folder.</param>
/// <param name="State">queued, running, finished, failed, stuck or outdated.</param>
/// <param name="Reason">Why.</param>
/// <param name="Host">The host on which it is at work.</param>
/// <param name="Gpu">The index of its GPU there.</param>
/// <param name="EpochsDone">The complete epochs.</param>
/// <param name="Epochs">The epochs to train.</param>
/// <param name="Failures">Failures in a row.</param>
/// <param name="Run">The id of its run; null where there is none yet.</param>
internal sealed record FleetMemberView(string Name, string State, string Reason, string? Host, int? Gpu, int EpochsDone, int? Epochs, int Failures, string? Run);

/// <summary>A host of a fleet.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsUsable">Whether runs may be started there.</param>
/// <param name="Reason">Why not, or what it offers.</param>
/// <param name="Runs">The fleet's runs on it.</param>
internal sealed record FleetHostView(string Name, bool IsUsable, string Reason, int Runs);
