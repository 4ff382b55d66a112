using System.Globalization;
using RobustTrain.Runs;

namespace RobustTrain.Training.Distributed.Liveness;

/// <summary>What is known of a rank that is lost, or has ended by itself while others work.</summary>
/// <param name="Rank">The rank; -1 for the launcher, which watches over all of them.</param>
/// <param name="Host">Its host.</param>
/// <param name="ProcessId">Its process there; 0 where it is not known.</param>
/// <param name="Step">The step that it last spoke of.</param>
/// <param name="Phase">What it did then.</param>
/// <param name="Reason">Why it is taken for lost, as the end of a sentence.</param>
/// <param name="ExitCode">The exit code with which it ended by itself; null where it did not.</param>
public sealed record RankLoss(int Rank, string Host, int ProcessId, long Step, string Phase, string Reason, int? ExitCode)
{
    /// <summary>The rank for people.</summary>
    public string Name => Rank < 0 ? $"The launcher on {Host}" : string.Create(CultureInfo.InvariantCulture, $"Rank {Rank} on {Host}");

    /// <summary>The loss as one sentence.</summary>
    /// <param name="awaitedIn">The collective in which it was awaited; null where it was not.</param>
    public string Sentence(CollectivePurpose? awaitedIn)
    {
        if (ExitCode is not null and not (int)Runs.ExitCode.Stopped)
            return $"{Name}: {Reason}";
        string process = ProcessId == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" (process {ProcessId})");
        string awaited = awaitedIn is { } purpose ? string.Create(CultureInfo.InvariantCulture, $", and was awaited in '{purpose.Name}' of step {purpose.Step}") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{Name}{process} is lost: {Reason}; it was last heard of in step {Step} ({Phase}){awaited}.");
    }

    /// <summary>The loss as what ends this rank.</summary>
    /// <param name="awaitedIn">The collective in which it was awaited; null where it was not.</param>
    public RankLostException ToException(CollectivePurpose? awaitedIn) => new(
        Sentence(awaitedIn), Rank, Host, awaitedIn ?? new CollectivePurpose(Phase, Step), ExitCode is { } code ? (ExitCode)code : Runs.ExitCode.Stopped);
}
