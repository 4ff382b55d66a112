using System.Management.Automation;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Output;

/// <summary>A run as its folder tells it, live or finished.</summary>
public sealed record TrainingRun
{
    private readonly RunRecord _record;
    private readonly RunState _state;
    private readonly ScoreProperties _scores;
    private readonly RunCost? _cost;

    private TrainingRun(RunRecord record, string runPath)
    {
        _record = record;
        _state = record.ObservedState;
        _scores = new ScoreProperties(record.TestScores, record.ScoreNames, "Test");
        RunPath = runPath;
        _cost = RunCost.Of(record, runPath);
        State = _state.ToString();
        Interruptions = record.Attempts.Count(attempt => attempt.ObservedState == RunState.Interrupted);

        // The record of a run at work is as old as its last epoch; a clock that was set meanwhile takes nothing away.
        double sinceUpdate = _state == RunState.Running ? Math.Max(0, (DateTimeOffset.UtcNow - record.Updated).TotalSeconds) : 0;
        DurationSeconds = Math.Round(record.DurationSeconds + sinceUpdate, 3);
    }

    /// <summary>The configuration's name for people.</summary>
    public string Name => _record.Name;

    /// <summary>The run's id, unique among all runs.</summary>
    public string RunId => _record.Id;

    /// <summary>How it stands now: Running, Finished, Stopped, Failed, or Interrupted where its process is gone without a word. A text, so that it reads well in JSON and CSV.</summary>
    public string State { get; }

    /// <summary>The epochs that are complete.</summary>
    public int EpochsDone => _record.EpochsDone;

    /// <summary>The epochs to train.</summary>
    public int Epochs => _record.Epochs;

    /// <summary>The score that decides which epoch is best.</summary>
    public string BestMetric => _record.BestMetric;

    /// <summary>The best epoch, from 0; null before the first validation.</summary>
    public int? BestEpoch => _record.BestEpoch;

    /// <summary>The best epoch's score.</summary>
    public double? BestScore => _record.BestScore;

    /// <summary>The scores of the test with the best checkpoint, by their names in the configuration; empty before it is done. Each is also a property of its own, as TestF1.</summary>
    public NamedScores TestScores => _scores.Named;

    /// <summary>What is learned.</summary>
    public string Task => _record.Task ?? ScoreProperties.ChangeTask;

    /// <summary>Training samples delivered in all complete epochs; null before the first.</summary>
    public long? SamplesDelivered => _record.LedgerTotals?.Delivered;

    /// <summary>How often a sample was loaded again.</summary>
    public long? SamplesRetried => _record.LedgerTotals?.Retried;

    /// <summary>Samples that were not delivered; the epochs' ledger.json name them with the reason.</summary>
    public long? SamplesSkipped => _record.LedgerTotals?.Skipped;

    /// <summary>How often an epoch met a sample in quarantine.</summary>
    public long? SamplesQuarantined => _record.LedgerTotals?.Quarantined;

    /// <summary>How often a worker of the loader died or stood still.</summary>
    public long? WorkerFailures => _record.LedgerTotals?.WorkerFailures;

    /// <summary>When the run began, local time.</summary>
    public DateTime StartTime => _record.Started.LocalDateTime;

    /// <summary>When it ended, local time; null while it has not.</summary>
    public DateTime? EndTime => _record.Ended?.LocalDateTime;

    /// <summary>How long processes have worked on it, all attempts together, to the last that is known of it; by a clock that nobody sets.</summary>
    public double DurationSeconds { get; }

    /// <summary>Hours of GPUs, all attempts together, by the run's last word; null where it trained on the CPU, and of runs of older versions.</summary>
    public double? GpuHours => _cost?.GpuSeconds / 3600;

    /// <summary>Hours of processor time, process workers' once they have ended; null of runs of older versions.</summary>
    public double? CpuHours => _cost?.CpuSeconds / 3600;

    /// <summary>The energy that its GPUs have used by their own counters; null where no device has one.</summary>
    public double? EnergyKilowattHours => _cost?.EnergyJoules / 3.6e6;

    /// <summary>How long the training has waited for samples; null of runs of older versions.</summary>
    public double? DataWaitSeconds => _cost?.DataWaitSeconds;

    /// <summary>How the last process ended, as $LASTEXITCODE; null while it runs and where it was interrupted.</summary>
    public int? ExitCode => _state is RunState.Running or RunState.Interrupted ? null : _record.ExitCode;

    /// <summary>One sentence, where it failed.</summary>
    public string? Error => _record.Error;

    /// <summary>The error's stable id, where it failed.</summary>
    public string? ErrorId => _record.ErrorId;

    /// <summary>How many processes have worked on it.</summary>
    public int Attempts => _record.Attempts.Count;

    /// <summary>How many of them went without a word: killed, crashed, or the machine went down.</summary>
    public int Interruptions { get; }

    /// <summary>How many ranks trained it when they were last measured; null where it was one process.</summary>
    public int? Ranks => _record.SlowestRank?.Ranks;

    /// <summary>The rank for which the others waited, from 0.</summary>
    public int? SlowestRank => _record.SlowestRank?.Rank;

    /// <summary>That rank's host.</summary>
    public string? SlowestRankHost => _record.SlowestRank?.Host;

    /// <summary>How long that rank computed and waited for data, beside the others' mean.</summary>
    public double? SlowestRankRatio => _record.SlowestRank?.Ratio;

    /// <summary>The process that works, or worked last, on it.</summary>
    public int ProcessId => _record.Process.ProcessId;

    /// <summary>That process's machine.</summary>
    public string ComputerName => _record.Process.Host;

    /// <summary>The commit that was checked out where it was started, if any.</summary>
    public string? GitCommit => _record.GitCommit;

    /// <summary>The run's folder.</summary>
    public string RunPath { get; }

    /// <summary>A run's record as an object for the pipeline, with a note property for each score of the test.</summary>
    internal static PSObject From(RunRecord record, string runPath)
    {
        TrainingRun run = new(record, runPath);
        return run._scores.AddTo(run, run.Task);
    }
}
