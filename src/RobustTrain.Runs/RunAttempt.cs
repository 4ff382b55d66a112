using System.Text.Json.Serialization;
using RobustTrain.Platform;

namespace RobustTrain.Runs;

/// <summary>One process that worked on the run.</summary>
public sealed record RunAttempt
{
    /// <summary>The process.</summary>
    public required ProcessIdentity Process { get; init; }

    /// <summary>When it began, UTC.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When it ended, UTC; null while it runs, and where it was interrupted.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>How long it has worked when the record was written, by a clock that nobody sets; null in records of older versions.</summary>
    public double? DurationSeconds { get; init; }

    /// <summary>How it stands.</summary>
    public required RunState State { get; init; }

    /// <summary>Its exit code; null while it runs, and where it was interrupted.</summary>
    public int? ExitCode { get; init; }

    /// <summary>One sentence, where it failed.</summary>
    public string? Error { get; init; }

    /// <summary>The epoch after which it went on; null where it began the run.</summary>
    public int? ResumedFromEpoch { get; init; }

    /// <summary>The state as it is now: a process that is gone without a word was interrupted, whatever the record says.</summary>
    [JsonIgnore]
    public RunState ObservedState => State.Observed(Process);
}
