using System.Management.Automation;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Output;

/// <summary>A run as its folder tells it, live or finished.</summary>
public sealed record TrainingRun
{
    /// <summary>The configuration's name for people.</summary>
    public required string Name { get; init; }

    /// <summary>The run's id, unique among all runs.</summary>
    public required string RunId { get; init; }

    /// <summary>How it stands now: Running, Finished, Stopped, Failed, or Interrupted where its process is gone without a word. A text, so that it reads well in JSON and CSV.</summary>
    public required string State { get; init; }

    /// <summary>The epochs that are complete.</summary>
    public required int EpochsDone { get; init; }

    /// <summary>The epochs to train.</summary>
    public required int Epochs { get; init; }

    /// <summary>The score that decides which epoch is best.</summary>
    public required string BestMetric { get; init; }

    /// <summary>The best epoch, from 0; null before the first validation.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>The best epoch's score.</summary>
    public double? BestScore { get; init; }

    /// <summary>The test's F1 with the best checkpoint, once it is done.</summary>
    public double? TestF1 { get; init; }

    /// <summary>The test's intersection over union.</summary>
    public double? TestIou { get; init; }

    /// <summary>The test's precision.</summary>
    public double? TestPrecision { get; init; }

    /// <summary>The test's recall.</summary>
    public double? TestRecall { get; init; }

    /// <summary>The test's share of pixels found right.</summary>
    public double? TestAccuracy { get; init; }

    /// <summary>The test's mean F1 over all classes.</summary>
    public double? TestMeanF1 { get; init; }

    /// <summary>The test's mean intersection over union over all classes.</summary>
    public double? TestMeanIou { get; init; }

    /// <summary>The test's mean precision over all classes.</summary>
    public double? TestMeanPrecision { get; init; }

    /// <summary>The test's mean recall over all classes.</summary>
    public double? TestMeanRecall { get; init; }

    /// <summary>Training samples delivered in all complete epochs; null before the first.</summary>
    public long? SamplesDelivered { get; init; }

    /// <summary>How often a sample was loaded again.</summary>
    public long? SamplesRetried { get; init; }

    /// <summary>Samples that were not delivered; the epochs' ledger.json name them with the reason.</summary>
    public long? SamplesSkipped { get; init; }

    /// <summary>How often an epoch met a sample in quarantine.</summary>
    public long? SamplesQuarantined { get; init; }

    /// <summary>How often a worker of the loader died or stood still.</summary>
    public long? WorkerFailures { get; init; }

    /// <summary>When the run began, local time.</summary>
    public required DateTime StartTime { get; init; }

    /// <summary>When it ended, local time; null while it has not.</summary>
    public DateTime? EndTime { get; init; }

    /// <summary>How long processes have worked on it, all attempts together, to the last that is known of it; by a clock that nobody sets.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>How the last process ended, as $LASTEXITCODE; null while it runs and where it was interrupted.</summary>
    public int? ExitCode { get; init; }

    /// <summary>One sentence, where it failed.</summary>
    public string? Error { get; init; }

    /// <summary>The error's stable id, where it failed.</summary>
    public string? ErrorId { get; init; }

    /// <summary>How many processes have worked on it.</summary>
    public required int Attempts { get; init; }

    /// <summary>How many of them went without a word: killed, crashed, or the machine went down.</summary>
    public required int Interruptions { get; init; }

    /// <summary>The process that works, or worked last, on it.</summary>
    public required int ProcessId { get; init; }

    /// <summary>That process's machine.</summary>
    public required string ComputerName { get; init; }

    /// <summary>The commit that was checked out where it was started, if any.</summary>
    public string? GitCommit { get; init; }

    /// <summary>The run's folder.</summary>
    public required string RunPath { get; init; }

    /// <summary>A run's record as an object for the pipeline; test scores without a property of their own become note properties.</summary>
    internal static PSObject From(RunRecord record, string runPath)
    {
        var scores = new Scores(record.TestScores?.Select(score => KeyValuePair.Create("test_" + score.Key, score.Value)));
        RunState state = record.ObservedState;

        // The record of a run at work is as old as its last epoch; a clock that was set meanwhile takes nothing away.
        double sinceUpdate = state == RunState.Running ? Math.Max(0, (DateTimeOffset.UtcNow - record.Updated).TotalSeconds) : 0;
        return scores.AddOthersTo(new TrainingRun
        {
            RunId = record.Id,
            Name = record.Name,
            RunPath = runPath,
            State = state.ToString(),
            EpochsDone = record.EpochsDone,
            Epochs = record.Epochs,
            BestMetric = record.BestMetric,
            BestEpoch = record.BestEpoch,
            BestScore = record.BestScore,
            TestF1 = scores.Take("test_f1"),
            TestIou = scores.Take("test_iou"),
            TestPrecision = scores.Take("test_precision"),
            TestRecall = scores.Take("test_recall"),
            TestAccuracy = scores.Take("test_accuracy"),
            TestMeanF1 = scores.Take("test_mean_f1"),
            TestMeanIou = scores.Take("test_mean_iou"),
            TestMeanPrecision = scores.Take("test_mean_precision"),
            TestMeanRecall = scores.Take("test_mean_recall"),
            SamplesDelivered = record.LedgerTotals?.Delivered,
            SamplesRetried = record.LedgerTotals?.Retried,
            SamplesSkipped = record.LedgerTotals?.Skipped,
            SamplesQuarantined = record.LedgerTotals?.Quarantined,
            WorkerFailures = record.LedgerTotals?.WorkerFailures,
            StartTime = record.Started.LocalDateTime,
            EndTime = record.Ended?.LocalDateTime,
            DurationSeconds = Math.Round(record.DurationSeconds + sinceUpdate, 3),
            ExitCode = state is RunState.Running or RunState.Interrupted ? null : record.ExitCode,
            Error = record.Error,
            ErrorId = record.ErrorId,
            Attempts = record.Attempts.Count,
            Interruptions = record.Attempts.Count(attempt => attempt.ObservedState == RunState.Interrupted),
            ProcessId = record.Process.ProcessId,
            ComputerName = record.Process.Host,
            GitCommit = record.GitCommit,
        });
    }
}

/// <summary>Finds the folders of runs.</summary>
internal static class RunSearch
{
    /// <summary>How many levels below the given folder are searched: <c>runs/project/name</c> and one more.</summary>
    public const int Depth = 4;

    /// <summary>The folder itself where it is a run, else the runs below it, in order of their paths. A run holds no other run.</summary>
    public static IEnumerable<string> Below(string folder) => Below(folder, Depth);

    private static IEnumerable<string> Below(string folder, int levels)
    {
        if (RunFolder.IsRun(folder))
            return [folder];

        if (levels == 0)
            return [];

        var options = new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint };
        return Directory.EnumerateDirectories(folder, "*", options)
            .Order(StringComparer.Ordinal)
            .SelectMany(inner => Below(inner, levels - 1));
    }
}
