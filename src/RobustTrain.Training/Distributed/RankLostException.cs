namespace RobustTrain.Training.Distributed;

/// <summary>A rank of the run died, or has not answered within its time.</summary>
/// <param name="message">One sentence that names host, rank, step and the collective in which it was awaited.</param>
/// <param name="rank">The rank that is lost.</param>
/// <param name="host">Its host, where it is known.</param>
/// <param name="purpose">What it was awaited in.</param>
public sealed class RankLostException(string message, int rank, string? host, CollectivePurpose purpose)
    : Exception(message)
{
    /// <summary>The rank that is lost.</summary>
    public int Rank { get; } = rank;

    /// <summary>Its host, or null.</summary>
    public string? Host { get; } = host;

    /// <summary>What it was awaited in.</summary>
    public CollectivePurpose Purpose { get; } = purpose;
}
