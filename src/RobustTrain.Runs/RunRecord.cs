using System.Text.Json.Serialization;
using RobustTrain.Platform;

namespace RobustTrain.Runs;

/// <summary>What <c>run.json</c> says of a run: enough to list runs without reading their journals.</summary>
public sealed record RunRecord
{
    /// <summary>The format that this version writes.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The format of the record.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The run's id, unique among all runs.</summary>
    public required string Id { get; init; }

    /// <summary>The configuration's name for people.</summary>
    public required string Name { get; init; }

    /// <summary>How the run stood when the record was written; <see cref="ObservedState"/> knows of processes that are gone.</summary>
    public required RunState State { get; init; }

    /// <summary>The exit code of the last process that ended in order.</summary>
    public int? ExitCode { get; init; }

    /// <summary>One sentence, where the run failed.</summary>
    public string? Error { get; init; }

    /// <summary>The error's stable id, where the run failed.</summary>
    public string? ErrorId { get; init; }

    /// <summary>The process that works, or worked last, on the run.</summary>
    public required ProcessIdentity Process { get; init; }

    /// <summary>The folder in which that process was started.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>The commit that was checked out there, where it lies in a git repository.</summary>
    public string? GitCommit { get; init; }

    /// <summary>The versions of what computed.</summary>
    public required RunVersions Versions { get; init; }

    /// <summary>SHA-256 of the configuration's canonical text, in hexadecimal.</summary>
    public required string ConfigurationDigest { get; init; }

    /// <summary>What each split of the data held when the last process began; null where nobody noted it.</summary>
    public IReadOnlyList<SplitRecord>? Data { get; init; }

    /// <summary>When the run began, UTC.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When the record was written, UTC.</summary>
    public required DateTimeOffset Updated { get; init; }

    /// <summary>When the run ended, UTC; null while it has not.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>The epochs to train.</summary>
    public required int Epochs { get; init; }

    /// <summary>The epochs that are complete.</summary>
    public int EpochsDone { get; init; }

    /// <summary>The epochs that checkpoints on disk hold: a run that fails has no more of them; null where nobody noted it.</summary>
    public int? EpochsSaved { get; init; }

    /// <summary>The score that decides which epoch is best.</summary>
    public required string BestMetric { get; init; }

    /// <summary>The best epoch, from 0; null before the first validation.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>The best epoch's score.</summary>
    public double? BestScore { get; init; }

    /// <summary>What became of the training samples of the complete epochs; null before the first.</summary>
    public LedgerTotals? LedgerTotals { get; init; }

    /// <summary>The scores of the test with the best checkpoint, once it is done.</summary>
    public IReadOnlyDictionary<string, double>? TestScores { get; init; }

    /// <summary>Every process that worked on the run, in order.</summary>
    public required IReadOnlyList<RunAttempt> Attempts { get; init; }

    /// <summary>How long processes have worked on the run when the record was written, all attempts together.</summary>
    [JsonIgnore]
    public double DurationSeconds => Attempts.Sum(attempt =>
        attempt.DurationSeconds ?? Math.Max(0, ((attempt.Ended ?? (attempt == Attempts[^1] ? Updated : attempt.Started)) - attempt.Started).TotalSeconds));

    /// <summary>The state as it is now: a run whose process is gone is not running, whatever its record says.</summary>
    [JsonIgnore]
    public RunState ObservedState => State.Observed(Process);
}
