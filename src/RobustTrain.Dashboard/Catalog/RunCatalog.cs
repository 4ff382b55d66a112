using RobustTrain.Dashboard.Journals;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard.Catalog;

/// <summary>The runs below a folder. Its files are looked at when somebody asks, at most once in <see cref="Freshness"/>.</summary>
/// <param name="root">The runs' folder.</param>
/// <param name="time">The clock.</param>
internal sealed class RunCatalog(string root, TimeProvider time)
{
    /// <summary>The most runs that are listed.</summary>
    public const int MostRuns = 5000;

    private const int KeptHistories = 24;
    private static readonly TimeSpan s_scanSpacing = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, TrackedRun> _runs = new(StringComparer.Ordinal);
    private readonly LinkedList<TrackedRun> _looked = new();
    private Dictionary<string, TrackedRun> _byId = [];
    private long? _scanned;
    private long? _refreshed;
    private long _revision;
    private string? _error;

    /// <summary>How old what is shown may be.</summary>
    public static readonly TimeSpan Freshness = TimeSpan.FromMilliseconds(500);

    /// <summary>The runs' folder.</summary>
    public string Root => root;

    /// <summary>The runs as they stand.</summary>
    public CatalogView View()
    {
        lock (_gate)
        {
            Refresh();
            return new CatalogView([.. _runs.Values.Select(run => run.Summary)], _revision, _error);
        }
    }

    /// <summary>Each run with its record and its last epoch.</summary>
    public IReadOnlyList<TrackedRun> Runs()
    {
        lock (_gate)
        {
            Refresh();
            return [.. _runs.Values];
        }
    }

    /// <summary>The run of an id; null where there is none.</summary>
    public TrackedRun? Find(string id)
    {
        lock (_gate)
        {
            Refresh();
            return _byId.GetValueOrDefault(id);
        }
    }

    /// <summary>A run's curves and events. The curves of runs that nobody has looked at for long are forgotten.</summary>
    /// <exception cref="IOException">Its journal can't be read.</exception>
    public HistoryView HistoryOf(TrackedRun run)
    {
        RunHistory history;
        lock (_gate)
        {
            _looked.Remove(run);
            _looked.AddFirst(run);
            if (_looked.Count > KeptHistories)
            {
                _looked.Last!.Value.DropHistory();
                _looked.RemoveLast();
            }

            history = run.History;
        }

        return history.Read();
    }

    private void Refresh()
    {
        if (_refreshed is { } last && time.GetElapsedTime(last) < Freshness)
            return;
        if (_scanned is not { } scanned || time.GetElapsedTime(scanned) >= s_scanSpacing)
            Scan();
        foreach (TrackedRun run in _runs.Values)
        {
            if (run.Refresh())
                _revision++;
        }

        _refreshed = time.GetTimestamp();
    }

    private void Scan()
    {
        try
        {
            HashSet<string> found = [.. RunSearch.Below(root).Take(MostRuns)];
            foreach (string gone in _runs.Keys.Where(folder => !found.Contains(folder)).ToArray())
            {
                _looked.Remove(_runs[gone]);
                _runs.Remove(gone);
                _revision++;
            }

            foreach (string added in found.Where(folder => !_runs.ContainsKey(folder)))
                _runs[added] = new TrackedRun(root, added);
            _byId = _runs.Values.ToDictionary(run => run.Id);
            _error = found.Count >= MostRuns ? $"'{root}' has more runs than the {MostRuns} that are shown." : null;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // What was seen before stays, with the reason beside it.
            _error = $"The folder '{root}' can't be read: {refused.Message}";
        }

        _scanned = time.GetTimestamp();
    }
}

/// <summary>All runs at one time.</summary>
/// <param name="Runs">The runs, in order of their paths.</param>
/// <param name="Revision">Grows with each change.</param>
/// <param name="Error">Why they may not be all; null where nothing is wrong.</param>
internal sealed record CatalogView(IReadOnlyList<RunSummary> Runs, long Revision, string? Error);
