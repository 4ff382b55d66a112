using System.Globalization;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Reports.Documents;

/// <summary>What both formats of a report say in the same words.</summary>
internal static class ReportFacts
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>A number in a few digits.</summary>
    public static string Number(double value) => double.IsFinite(value)
        ? value.ToString(Math.Abs(value) is < 1e-3 and > 0 or >= 1e7 ? "0.###e+0" : "0.####", CultureInfo.InvariantCulture)
        : value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A time as people say it.</summary>
    public static string Duration(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, int.MaxValue)) switch
    {
        { TotalDays: >= 1 } time => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays} d {time.Hours} h"),
        { TotalHours: >= 1 } time => string.Create(CultureInfo.InvariantCulture, $"{time.Hours} h {time.Minutes} min"),
        { TotalMinutes: >= 1 } time => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s"),
        var time => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s"),
    };

    /// <summary>Hours in a few digits.</summary>
    public static string Hours(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.###} h");

    /// <summary>Bytes in the unit that fits.</summary>
    public static string Bytes(double bytes)
    {
        int unit = 0;
        for (; bytes >= 1024 && unit < s_units.Length - 1; unit++)
            bytes /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{bytes:0.#} {s_units[unit]}");
    }

    /// <summary>A time of day, UTC.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>Where a run stands, in one sentence.</summary>
    public static string State(RunStory story)
    {
        RunRecord record = story.Record;
        string done = string.Create(CultureInfo.InvariantCulture, $"{record.EpochsDone} of {Counted.Are(record.Epochs, "epoch")} complete");
        return record.ObservedState switch
        {
            RunState.Finished => $"Finished: {done}.",
            RunState.Running => $"A process works on it: {done}.",
            RunState.Stopped => $"Stopped with a checkpoint: {done}. The same command goes on with it.",
            RunState.Interrupted => $"Its process is gone without a word: {done}. The same command goes on with it from its last checkpoint.",
            _ => $"Failed: {done}.",
        };
    }

    /// <summary>What a run has used, as names and values; what is not known is left out.</summary>
    public static IEnumerable<(string Name, string Value)> Cost(RunStory story)
    {
        yield return ("Time at work", Duration(story.Record.DurationSeconds));
        if (story.Cost is not { } cost)
        {
            yield return ("More", "not known: the run is of a version that did not measure it");
            yield break;
        }

        if (cost.GpuSeconds is { } gpu)
            yield return ("GPU hours", Hours(gpu));
        yield return ("Processor time", Hours(cost.CpuSeconds));
        yield return ("Energy of the GPUs", cost.EnergyJoules is { } joules ? string.Create(CultureInfo.InvariantCulture, $"{joules / 3.6e6:0.###} kWh") : cost.GpuSeconds is null ? "not counted: it trained on the CPU" : "not counted by the device");
        yield return ("Waiting for samples", $"{Duration(cost.DataWaitSeconds)} ({string.Create(CultureInfo.InvariantCulture, $"{100 * cost.DataWaitSeconds / Math.Max(1e-9, cost.DurationSeconds):0.#} %")} of it)");
    }

    /// <summary>What a run was computed by.</summary>
    public static IEnumerable<(string Name, string Value)> Environment(RunStory story)
    {
        RunRecord record = story.Record;
        yield return ("Host", record.Process.Host);
        yield return ("System", Known(record.Versions.Os));
        yield return ("RobustTrain", Known(record.Versions.RobustTrain));
        yield return ("libtorch", Known(record.Versions.LibTorch));
        yield return (".NET", Known(record.Versions.DotNet));
        if (record.GitCommit is { } commit)
            yield return ("Commit", commit);
        yield return ("Folder", story.Path);
        yield return ("Working folder", record.WorkingDirectory);
        yield return ("Configuration's digest", record.ConfigurationDigest);
        foreach (SplitRecord split in record.Data ?? [])
            yield return ($"Data: {split.Split}", $"{Counted.Of(split.Samples, "sample")}, {Bytes(split.Bytes)}, digest {split.Digest[..Math.Min(16, split.Digest.Length)]}…");
    }

    /// <summary>A notice in one line.</summary>
    public static string Notice(RunEvent happened) => happened switch
    {
        RunWarning warning => warning.Message,
        NumericFailureHandled failure => string.Create(CultureInfo.InvariantCulture, $"Step {failure.GlobalStep}: {failure.Problem} ({failure.Action})"),
        MicroBatchHalved halved => string.Create(CultureInfo.InvariantCulture, $"Memory was short: {Counted.Are(halved.SamplesAtOnce, "sample")} computed at once from step {halved.GlobalStep} on."),
        StoppedEarly early => string.Create(CultureInfo.InvariantCulture, $"No epoch of the last {early.Patience} was better than epoch {early.BestEpoch}: it ended early."),
        StopRequested stop => $"Asked to stop: {stop.Reason}.",
        LoaderChanged loader => $"Loader: {loader.Message}",
        _ => happened.ToString(),
    };

    /// <summary>The ledger's sums as names and values.</summary>
    public static IEnumerable<(string Name, string Value)> Ledger(RunStory story) => story.Record.LedgerTotals is not { } totals ? [] :
    [
        ("Delivered", Count(totals.Delivered)),
        ("Loaded again", Count(totals.Retried)),
        ("Not delivered", Count(totals.Skipped)),
        ("In quarantine", Count(totals.Quarantined)),
        ("Failures of workers", Count(totals.WorkerFailures)),
    ];

    /// <summary>A class's name.</summary>
    public static string ClassName(RunStory story, int index, int classes) => index < story.ClassNames.Count ? story.ClassNames[index]
        : classes == 2 && story.Record.Task is null or "change-detection" ? index == 0 ? "unchanged" : "changed"
        : string.Create(CultureInfo.InvariantCulture, $"class {index}");

    /// <summary>The score of single samples by which the worst ones are found: the one that decides, else the first that samples have.</summary>
    public static string? SampleMetric(RunStory story)
    {
        string metric = story.Record.BestMetric[(story.Record.BestMetric.IndexOf('/', StringComparison.Ordinal) + 1)..];
        IReadOnlyList<SampleScores> samples = story.Test?.Datapoints ?? [];
        return samples.Any(sample => sample.Scores.ContainsKey(metric)) ? metric : samples.FirstOrDefault(sample => sample.Scores.Count > 0)?.Scores.Keys.First();
    }

    // A record that another program wrote may lack what this one always writes.
    private static string Known(string? text) => text ?? "not known";

    private static string Count(long number) => number.ToString(CultureInfo.InvariantCulture);
}
