namespace RobustTrain.Chaos;

/// <summary>What a chaos run is told.</summary>
public sealed record ChaosOptions
{
    /// <summary>How many faults.</summary>
    public required int Faults { get; init; }

    /// <summary>Their seed.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>On how many ranks, each on a host of its own; null trains in one process.</summary>
    public int? Ranks { get; init; }

    /// <summary>The executable <c>robusttrain</c>.</summary>
    public required string Host { get; init; }

    /// <summary>The configuration whose network, criterion, optimiser and schedule are trained; null for the defaults.</summary>
    public string? ConfigPath { get; init; }

    /// <summary>The task whose sample data is trained on; null takes change detection on pairs of noise.</summary>
    public string? Task { get; init; }

    /// <summary>Settings that win over all others.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The epochs to train.</summary>
    public int Epochs { get; init; } = 3;

    /// <summary>The training pairs.</summary>
    public int Pairs { get; init; } = 240;

    /// <summary>The side of an image in pixels.</summary>
    public int Side { get; init; } = 112;

    /// <summary>Pairs of a batch.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>How long all of it may take.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The folder to work in; it must be empty.</summary>
    public required string Folder { get; init; }

    /// <summary>Whether <see cref="Folder"/> is a disk of its own, which may be filled.</summary>
    public bool OwnsDisk { get; init; }
}
