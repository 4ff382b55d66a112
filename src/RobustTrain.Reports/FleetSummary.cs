using System.Globalization;
using System.Text.Json;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Reports;

/// <summary>What a set of runs did in a stretch of time, a day as a rule: from their folders alone, whoever started them and wherever.</summary>
public sealed record FleetSummary
{
    /// <summary>The beginning.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>The end.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>The runs that were at work in it, in order of their beginning.</summary>
    public required IReadOnlyList<FleetRun> Runs { get; init; }

    /// <summary>How many of all runs that were looked at were not at work in it.</summary>
    public required int IdleRuns { get; init; }

    /// <summary>The GPUs that were watched in it; empty where nothing tells of any.</summary>
    public required IReadOnlyList<FleetGpu> Gpus { get; init; }

    /// <summary>What could not be read, a sentence each.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>Runs that finished in it.</summary>
    public int Finished => Count(RunState.Finished);

    /// <summary>Runs that have failed.</summary>
    public int Failed => Count(RunState.Failed);

    /// <summary>Runs whose process is gone without a word.</summary>
    public int Interrupted => Count(RunState.Interrupted);

    /// <summary>Runs that were stopped with a checkpoint.</summary>
    public int Stopped => Count(RunState.Stopped);

    /// <summary>Runs that are at work.</summary>
    public int Running => Count(RunState.Running);

    /// <summary>How long processes were at work in it, all runs together.</summary>
    public double WorkHours => Runs.Sum(run => run.WorkHours);

    /// <summary>Hours of GPUs in it; null where no run trained on one.</summary>
    public double? GpuHours => Sum(Runs.Select(run => run.GpuHours));

    /// <summary>Hours of processor time in it; null where no run tells it.</summary>
    public double? CpuHours => Sum(Runs.Select(run => run.CpuHours));

    /// <summary>The energy of GPUs in it; null where no device tells it.</summary>
    public double? EnergyKilowattHours => Sum(Runs.Select(run => run.EnergyKilowattHours));

    /// <summary>Sums up runs.</summary>
    /// <param name="folders">The folders of the runs.</param>
    /// <param name="from">The beginning.</param>
    /// <param name="to">The end.</param>
    /// <param name="idleBelow">The utilisation, in percent, under which a GPU counts as idle.</param>
    /// <param name="histories">Files of records that monitors wrote (<c>Start-Monitor -OutputPath</c>).</param>
    /// <param name="progress">Is told which run or file is read.</param>
    /// <param name="stopping">Gives up.</param>
    public static FleetSummary Of(
        IEnumerable<string> folders, DateTimeOffset from, DateTimeOffset to, double idleBelow, IEnumerable<string> histories, Action<string>? progress = null, CancellationToken stopping = default)
    {
        List<FleetRun> runs = [];
        List<string> problems = [];
        GpuHistory gpus = new(from, to, idleBelow);
        int idle = 0;
        foreach (string folder in folders)
        {
            stopping.ThrowIfCancellationRequested();
            progress?.Invoke(folder);
            try
            {
                if (FleetRun.Of(RunFolder.ReadRecord(folder), folder, from, to) is not { } run)
                {
                    idle++;
                    continue;
                }

                runs.Add(run);
                gpus.Take(run.ComputerName, RunJournalReader.Enumerate(RunFolder.JournalPathOf(folder), "step", "evaluation_progress", "cost", "loader").OfType<SystemSample>());
            }
            catch (Exception unreadable) when (unreadable is RunException or IOException or UnauthorizedAccessException)
            {
                problems.Add(unreadable.Message);
            }
        }

        foreach (string file in histories)
        {
            stopping.ThrowIfCancellationRequested();
            progress?.Invoke(file);
            gpus.TakeFile(file, problems);
        }

        string common = CommonFolder(runs);
        return new FleetSummary { From = from, To = to, Runs = [.. runs.OrderBy(run => run.Started).Select(run => run with { Folder = Path.GetRelativePath(common, run.RunPath) })], IdleRuns = idle, Gpus = gpus.Gpus(), Problems = problems };
    }

    // The deepest folder that holds all runs.
    private static string CommonFolder(List<FleetRun> runs)
    {
        string[] paths = [.. runs.Select(run => Path.GetFullPath(run.RunPath))];
        string common = Path.GetDirectoryName(paths.FirstOrDefault()) ?? "";
        while (Path.GetDirectoryName(common) is { } above && !paths.All(path => path.StartsWith(Path.TrimEndingDirectorySeparator(common) + Path.DirectorySeparatorChar, StringComparison.Ordinal)))
            common = above;
        return common;
    }

    private int Count(RunState state) => Runs.Count(run => run.State == state.ToString());

    private static double? Sum(IEnumerable<double?> values)
    {
        double[] known = [.. values.OfType<double>()];
        return known.Length == 0 ? null : known.Sum();
    }
}

/// <summary>A run in a stretch of time.</summary>
public sealed record FleetRun
{
    /// <summary>Its name for people.</summary>
    public required string Name { get; init; }

    /// <summary>How it stands now: Running, Finished, Stopped, Failed or Interrupted.</summary>
    public required string State { get; init; }

    /// <summary>Why it failed, in one sentence; null where it did not.</summary>
    public string? Error { get; init; }

    /// <summary>The epochs that are complete.</summary>
    public required int EpochsDone { get; init; }

    /// <summary>The epochs to train.</summary>
    public required int Epochs { get; init; }

    /// <summary>The score that decides which epoch is best.</summary>
    public required string BestMetric { get; init; }

    /// <summary>The best epoch's score; null before the first validation.</summary>
    public double? BestScore { get; init; }

    /// <summary>How long processes were at work on it in the stretch.</summary>
    public required double WorkHours { get; init; }

    /// <summary>Hours of GPUs in the stretch; null where it trained on the CPU.</summary>
    public double? GpuHours { get; init; }

    /// <summary>Hours of processor time in the stretch; null of runs of older versions.</summary>
    public double? CpuHours { get; init; }

    /// <summary>The energy of its GPUs in the stretch; null where no device tells it.</summary>
    public double? EnergyKilowattHours { get; init; }

    /// <summary>How often a process of it was gone without a word in the stretch.</summary>
    public required int Interruptions { get; init; }

    /// <summary>When it began, UTC.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>The machine of its last process.</summary>
    public required string ComputerName { get; init; }

    /// <summary>The run's folder below the deepest one that holds all runs of the summary: with its fleet's name, where there are several fleets.</summary>
    public string Folder { get; init; } = "";

    /// <summary>The run's folder.</summary>
    public required string RunPath { get; init; }

    /// <summary>A run; null where no process was at work on it in the stretch.</summary>
    internal static FleetRun? Of(RunRecord record, string folder, DateTimeOffset from, DateTimeOffset to)
    {
        RunRecord known = RunCost.WithLastWords(record, folder);
        (RunAttempt Attempt, double Hours, double Share)[] work = [.. known.Attempts.Select((attempt, place) => Within(attempt, place == known.Attempts.Count - 1 ? known : null, from, to)).Where(part => part.Hours > 0)];
        return work.Length == 0 ? null : new FleetRun
        {
            Name = record.Name,
            State = record.ObservedState.ToString(),
            Error = record.ObservedState == RunState.Failed ? record.Error : null,
            EpochsDone = record.EpochsDone,
            Epochs = record.Epochs,
            BestMetric = record.BestMetric,
            BestScore = record.BestScore,
            WorkHours = work.Sum(part => part.Hours),
            GpuHours = Sum(work.Select(part => part.Attempt.Cost?.GpuSeconds * part.Share)) / 3600,
            CpuHours = Sum(work.Select(part => part.Attempt.Cost?.CpuSeconds * part.Share)) / 3600,
            EnergyKilowattHours = Sum(work.Select(part => part.Attempt.Cost?.EnergyJoules * part.Share)) / 3.6e6,
            Interruptions = work.Count(part => part.Attempt.ObservedState == RunState.Interrupted),
            Started = record.Started,
            ComputerName = record.Process.Host,
            RunPath = folder,
        };
    }

    // What a process used is spread evenly over its time.
    private static (RunAttempt Attempt, double Hours, double Share) Within(RunAttempt attempt, RunRecord? live, DateTimeOffset from, DateTimeOffset to)
    {
        double seconds = attempt.DurationSeconds ?? ((attempt.Ended ?? live?.Updated ?? attempt.Started) - attempt.Started).TotalSeconds;
        if (live?.ObservedState == RunState.Running)
            seconds += Math.Max(0, (DateTimeOffset.UtcNow - attempt.Started).TotalSeconds - seconds);
        DateTimeOffset end = attempt.Started + TimeSpan.FromSeconds(Math.Max(0, seconds));
        double within = ((end < to ? end : to) - (attempt.Started > from ? attempt.Started : from)).TotalSeconds;
        return within <= 0 || seconds <= 0 ? (attempt, 0, 0) : (attempt, within / 3600, within / seconds);
    }

    private static double? Sum(IEnumerable<double?> values)
    {
        double[] known = [.. values.OfType<double>()];
        return known.Length == 0 ? null : known.Sum();
    }
}

/// <summary>A GPU in a stretch of time.</summary>
/// <param name="ComputerName">Its host.</param>
/// <param name="Index">Its index in the order of the PCI bus.</param>
/// <param name="Uuid">Its UUID; null where it is not known.</param>
/// <param name="WatchedHours">How long something watched it: a run of its host, or a monitor.</param>
/// <param name="IdleHours">How long it was idle of these.</param>
/// <param name="MeanUtilizationPercent">Its mean utilisation in these.</param>
public sealed record FleetGpu(string ComputerName, int Index, string? Uuid, double WatchedHours, double IdleHours, double MeanUtilizationPercent);

/// <summary>Gathers what is known of GPUs in a stretch of time.</summary>
internal sealed class GpuHistory(DateTimeOffset from, DateTimeOffset to, double idleBelow)
{
    // A reading speaks for the time until the next one, but where nobody watched for longer, not for all of it.
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private readonly Dictionary<(string Host, int Index), (string? Uuid, List<(DateTimeOffset Time, double Percent)> Readings)> _gpus = [];

    public void Take(string host, IEnumerable<SystemSample> samples)
    {
        foreach (SystemSample sample in samples)
        {
            foreach (GpuSample gpu in sample.Gpus)
                Add(host, gpu.Index, gpu.Uuid, sample.Time, gpu.UtilizationPercent);
        }
    }

    // The records of Start-Monitor -OutputPath; what is none is passed over, since a file may end in half a line.
    public void TakeFile(string file, List<string> problems)
    {
        int found = 0;
        try
        {
            foreach (string line in File.ReadLines(file))
                found += TakeLine(line) ? 1 : 0;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            problems.Add($"The GPU history '{file}' can't be read: {unreadable.Message}");
            return;
        }

        if (found == 0)
            problems.Add($"The GPU history '{file}' has no record of a GPU; what Start-Monitor -OutputPath writes is expected.");
    }

    public IReadOnlyList<FleetGpu> Gpus() => [.. _gpus.OrderBy(gpu => gpu.Key.Host, StringComparer.Ordinal).ThenBy(gpu => gpu.Key.Index).Select(gpu => Sum(gpu.Key.Host, gpu.Key.Index, gpu.Value.Uuid, gpu.Value.Readings))];

    private bool TakeLine(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement record = document.RootElement;
            if (record.ValueKind != JsonValueKind.Object || !record.TryGetProperty("Kind", out JsonElement kind) || kind.ValueKind != JsonValueKind.String || kind.GetString() != "Gpu")
                return false;
            if (Property(record, "Index") is not { ValueKind: JsonValueKind.Number } index || Property(record, "Time") is not { ValueKind: JsonValueKind.String } time || !time.TryGetDateTimeOffset(out DateTimeOffset at))
                return true;
            bool isCurrent = Property(record, "IsConnected") is not { ValueKind: JsonValueKind.False };
            double? percent = isCurrent && Property(record, "UtilizationPercent") is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : null;
            Add(Property(record, "ComputerName")?.ToString() ?? "", index.GetInt32(), Property(record, "Uuid")?.ToString(), at, percent);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonElement? Property(JsonElement record, string name) => record.TryGetProperty(name, out JsonElement value) ? value : null;

    private void Add(string host, int index, string? uuid, DateTimeOffset time, double? percent)
    {
        if (percent is not { } known || time < from || time > to)
            return;
        if (!_gpus.TryGetValue((host, index), out var gpu))
            _gpus[(host, index)] = gpu = (uuid, []);
        gpu.Readings.Add((time, known));
    }

    private FleetGpu Sum(string host, int index, string? uuid, List<(DateTimeOffset Time, double Percent)> readings)
    {
        (double watched, double idle, double weighted) = (0, 0, 0);
        (DateTimeOffset Time, double Percent)[] ordered = [.. readings.OrderBy(reading => reading.Time)];
        for (int place = 0; place < ordered.Length; place++)
        {
            DateTimeOffset next = place + 1 < ordered.Length ? ordered[place + 1].Time : to;
            double seconds = Math.Min(s_longest.TotalSeconds, (next - ordered[place].Time).TotalSeconds);
            watched += seconds;
            idle += ordered[place].Percent < idleBelow ? seconds : 0;
            weighted += ordered[place].Percent * seconds;
        }

        return new FleetGpu(host, index, uuid, watched / 3600, idle / 3600, watched > 0 ? weighted / watched : ordered.Average(reading => reading.Percent));
    }
}
