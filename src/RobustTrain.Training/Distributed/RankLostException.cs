using RobustTrain.Runs;

namespace RobustTrain.Training.Distributed;

/// <summary>A rank of the run died, has not answered within its time, or has ended by itself.</summary>
/// <param name="message">One sentence that names host, rank, step and the collective in which it was awaited.</param>
/// <param name="rank">The rank that is lost; -1 for the launcher, which watches over all.</param>
/// <param name="host">Its host, where it is known.</param>
/// <param name="purpose">What it was awaited in.</param>
/// <param name="exitCode">With what this rank ends: the exit code of one that ended by itself, so that all end alike.</param>
public sealed class RankLostException(string message, int rank, string? host, CollectivePurpose purpose, ExitCode exitCode = ExitCode.Stopped)
    : RunException(exitCode, "RankLost", message, host)
{
    /// <summary>The rank that is lost.</summary>
    public int Rank { get; } = rank;

    /// <summary>Its host, or null.</summary>
    public string? Host { get; } = host;

    /// <summary>What it was awaited in.</summary>
    public CollectivePurpose Purpose { get; } = purpose;
}
