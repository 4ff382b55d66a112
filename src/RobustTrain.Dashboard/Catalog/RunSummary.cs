namespace RobustTrain.Dashboard.Catalog;

/// <summary>A run in the list, as the page is told it.</summary>
internal sealed record RunSummary
{
    /// <summary>Names the run in requests: no path is ever taken from one.</summary>
    public required string Id { get; init; }

    /// <summary>Its folder, relative to the runs' folder.</summary>
    public required string Path { get; init; }

    /// <summary>The configuration's name.</summary>
    public string? Name { get; init; }

    /// <summary>running, finished, stopped, failed, interrupted; unreadable where its record can't be read.</summary>
    public required string State { get; init; }

    /// <summary>Why it failed, or can't be read.</summary>
    public string? Error { get; init; }

    /// <summary>What is learned.</summary>
    public string? Task { get; init; }

    /// <summary>The machine of its process.</summary>
    public string? Host { get; init; }

    /// <summary>Its process.</summary>
    public int? ProcessId { get; init; }

    /// <summary>The epochs that are complete.</summary>
    public int EpochsDone { get; init; }

    /// <summary>The epochs to train.</summary>
    public int Epochs { get; init; }

    /// <summary>The share that is done, 0 to 1.</summary>
    public double Progress { get; init; }

    /// <summary>The time that is left; null where it does not run, or nobody knows.</summary>
    public double? SecondsLeft { get; init; }

    /// <summary>What it does beside training: testing, validating.</summary>
    public string? Phase { get; init; }

    /// <summary>The newest loss of a step, or of an epoch.</summary>
    public double? Loss { get; init; }

    /// <summary>The loss of the last epoch.</summary>
    public double? TrainLoss { get; init; }

    /// <summary>The learning rate.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Samples a second.</summary>
    public double? SamplesPerSecond { get; init; }

    /// <summary>The share of time that waited for data.</summary>
    public double? DataWaitShare { get; init; }

    /// <summary>The score that decides which epoch is best.</summary>
    public string? BestMetric { get; init; }

    /// <summary>The best epoch's score.</summary>
    public double? BestScore { get; init; }

    /// <summary>The best epoch.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When its record was written last.</summary>
    public DateTimeOffset? Updated { get; init; }

    /// <summary>How long processes have worked on it.</summary>
    public double DurationSeconds { get; init; }

    /// <summary>How many processes have worked on it.</summary>
    public int Attempts { get; init; }

    /// <summary>Samples that were not delivered.</summary>
    public long Skipped { get; init; }

    /// <summary>Whether it can be stopped from here.</summary>
    public bool CanStop { get; init; }

    /// <summary>Whether it can be resumed from here.</summary>
    public bool CanResume { get; init; }

    /// <summary>Grows with each change, of its journal too.</summary>
    public long Revision { get; init; }
}
