using System.Globalization;
using RobustTrain.Runs.Events;

namespace RobustTrain.Runs;

/// <summary>What a process, or all processes of a run together, have used.</summary>
/// <param name="DurationSeconds">How long they have worked, by a clock that nobody sets.</param>
/// <param name="GpuSeconds">The same for each GPU that they trained on, summed; null where they trained on the CPU.</param>
/// <param name="CpuSeconds">Processor time, of process workers once they have ended.</param>
/// <param name="EnergyJoules">What the GPUs' own counters say that was used; null where no device has one.</param>
/// <param name="DataWaitSeconds">How long the training waited for samples.</param>
public sealed record RunCost(double DurationSeconds, double? GpuSeconds, double CpuSeconds, double? EnergyJoules, double DataWaitSeconds)
{
    /// <summary>
    /// What a run has used until now. Its record is as old as its last epoch: of the process that works on it, or that is gone without a word,
    /// the journal says more.
    /// </summary>
    /// <param name="record">The run's record.</param>
    /// <param name="runPath">Its folder.</param>
    /// <returns>Null where none of its processes has told it: those of older versions.</returns>
    public static RunCost? Of(RunRecord record, string runPath)
    {
        RunCost[] told = [.. WithLastWords(record, runPath).Attempts.Select(attempt => attempt.Cost).OfType<RunCost>()];
        return told.Length == 0 ? null : told.Aggregate(Sum);
    }

    /// <summary>What was used, in one line for people.</summary>
    public string Describe()
    {
        string hours = string.Create(CultureInfo.InvariantCulture, $"{(GpuSeconds ?? CpuSeconds) / 3600:0.###} {(GpuSeconds is null ? "CPU" : "GPU")} hours");
        string energy = EnergyJoules is { } joules ? string.Create(CultureInfo.InvariantCulture, $", {joules / 3.6e6:0.###} kWh") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{hours}{energy}, {DataWaitSeconds:0.#} s of waiting for samples");
    }

    /// <summary>The record with what the journal's end says of a process whose last words are not in it.</summary>
    public static RunRecord WithLastWords(RunRecord record, string runPath)
    {
        RunAttempt last = record.Attempts[^1];
        if (last.State != RunState.Running && last.ExitCode is not null)
            return record;
        return RunJournalReader.LastCost(RunFolder.JournalPathOf(runPath), last.Process.ProcessId) is { } measured ? RunProgress.Apply(record, measured) : record;
    }

    // What one of them can't tell is left out; only what none can tell is not known.
    private static RunCost Sum(RunCost first, RunCost second) => new(
        first.DurationSeconds + second.DurationSeconds,
        Sum(first.GpuSeconds, second.GpuSeconds),
        first.CpuSeconds + second.CpuSeconds,
        Sum(first.EnergyJoules, second.EnergyJoules),
        first.DataWaitSeconds + second.DataWaitSeconds);

    private static double? Sum(double? first, double? second) => first is null ? second : first + (second ?? 0);
}
