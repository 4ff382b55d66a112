namespace RobustTrain.Chaos;

/// <summary>Which faults happen when, from a seed alone.</summary>
public static class FaultSchedule
{
    // Not in the very last steps: a fault whose moment never comes proves nothing.
    private const double LatestShare = 0.8;

    private const FaultKind FirstOfRanks = FaultKind.KillRank;

    /// <summary>What befalls a trainer of one process.</summary>
    /// <param name="canFillDisk">Whether there is a disk to be filled.</param>
    public static IReadOnlyList<FaultKind> OfOneProcess(bool canFillDisk) =>
        [.. Enum.GetValues<FaultKind>().Where(kind => kind < FirstOfRanks && (canFillDisk || kind != FaultKind.FillDisk))];

    /// <summary>What befalls ranks, their hosts and their launcher.</summary>
    public static IReadOnlyList<FaultKind> OfRanks { get; } = [.. Enum.GetValues<FaultKind>().Where(kind => kind >= FirstOfRanks)];

    /// <summary>Makes a schedule in which every kind comes as often as any other, give or take one.</summary>
    /// <param name="count">How many faults.</param>
    /// <param name="seed">The same seed gives the same schedule.</param>
    /// <param name="steps">The steps of the run.</param>
    /// <param name="stepTime">How long a step takes, about.</param>
    /// <param name="possible">The kinds.</param>
    public static IReadOnlyList<Fault> Create(int count, int seed, long steps, TimeSpan stepTime, IReadOnlyList<FaultKind> possible)
    {
        var random = new Random(seed);
        FaultKind[] kinds = [.. possible];
        random.Shuffle(kinds);
        FaultKind[] drawn = [.. Enumerable.Range(0, count).Select(index => kinds[index % kinds.Length])];
        random.Shuffle(drawn);
        long[] moments = [.. Enumerable.Range(0, count).Select(_ => random.NextInt64((long)(steps * LatestShare))).Order()];
        return [.. drawn.Zip(moments, (kind, step) => new Fault(kind, step, DelayOf(kind, random, stepTime), random.NextDouble()))];
    }

    private static TimeSpan DelayOf(FaultKind kind, Random random, TimeSpan stepTime) => kind switch
    {
        FaultKind.KillWhileStarting => TimeSpan.FromMilliseconds(random.Next(1500)),
        FaultKind.FillDisk => TimeSpan.FromMilliseconds(300 + random.Next(2200)),
        _ => random.NextDouble() * 2 * stepTime,
    };
}
