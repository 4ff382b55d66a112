using System.Globalization;
using RobustTrain.Runs;

namespace RobustTrain.Host.Launching;

/// <summary>How many ranks are asked for, and where.</summary>
/// <param name="Ranks">All ranks; null where hosts and <paramref name="RanksPerHost"/> say it.</param>
/// <param name="Hosts">The hosts, as ssh knows them; none for this machine.</param>
/// <param name="RanksPerHost">The most ranks of one host; null for one, or on this machine for all.</param>
/// <param name="Restart">Whether the run goes on with the hosts that are left where a rank is lost.</param>
/// <param name="Rejoin">Whether a host that comes back is taken in at the next checkpoint.</param>
internal sealed record RankRequest(int? Ranks, IReadOnlyList<string> Hosts, int? RanksPerHost, bool Restart, bool Rejoin)
{
    /// <summary>Whether several ranks, or a launcher that watches over one, are asked for.</summary>
    public bool IsGiven => Ranks is not null || Hosts.Count > 0;

    /// <summary>The most ranks of one host.</summary>
    public int HostCapacity => RanksPerHost ?? (Hosts.Count == 0 ? Ranks!.Value : (Total + Hosts.Count - 1) / Hosts.Count);

    /// <summary>All ranks.</summary>
    public int Total => Ranks ?? (Hosts.Count * (RanksPerHost ?? 1));

    /// <summary>Checks what the options demand of each other.</summary>
    /// <exception cref="RunException">They contradict each other.</exception>
    public void Check()
    {
        if (!IsGiven && (RanksPerHost is not null || Restart || Rejoin))
            throw Refusal($"{(RanksPerHost is not null ? "--ranks-per-host" : Restart ? "--restart" : "--rejoin")} needs --ranks or --hosts.");
        if (!IsGiven)
            return;
        if (Hosts.GroupBy(host => host).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw Refusal($"--hosts names '{twice.Key}' {twice.Count()} times; --ranks-per-host says how many ranks a host has.");
        if (Hosts.FirstOrDefault(host => host.StartsWith('-') || host.Any(letter => char.IsControl(letter) || char.IsWhiteSpace(letter) || letter is ':' or ',')) is { } odd)
            throw Refusal($"'{odd}' is no name of a host.");
        int most = RanksPerHost is { } each ? each * Math.Max(1, Hosts.Count) : int.MaxValue;
        if (Total > most)
            throw Refusal(string.Create(CultureInfo.InvariantCulture, $"--ranks is {Total}, but {Math.Max(1, Hosts.Count)} hosts with at most {RanksPerHost} ranks each (--ranks-per-host) have room for {most}."));
        if (Rejoin && !Restart)
            throw Refusal("--rejoin needs --restart: without it a run ends with the first rank that is lost.");
    }

    private static RunException Refusal(string message) => new(ExitCode.Configuration, "RanksNotUsable", message);
}

/// <summary>Which host has which ranks.</summary>
/// <param name="Hosts">The hosts, and how many ranks each has, in the ranks' order.</param>
internal sealed record RankPlacement(IReadOnlyList<(string Host, int Ranks)> Hosts)
{
    /// <summary>All ranks.</summary>
    public int Size => Hosts.Sum(host => host.Ranks);

    /// <summary>The host of each rank.</summary>
    public IReadOnlyList<string> HostOfRank => [.. Hosts.SelectMany(host => Enumerable.Repeat(host.Host, host.Ranks))];

    /// <summary>Distributes ranks over hosts, as evenly as they go.</summary>
    public static RankPlacement Of(int ranks, IReadOnlyList<string> hosts) => new(
        [.. hosts.Select((host, index) => (host, (ranks / hosts.Count) + (index < ranks % hosts.Count ? 1 : 0))).Where(host => host.Item2 > 0)]);
}

/// <summary>What numbers of ranks a number of shards allows.</summary>
internal static class RankNumbers
{
    /// <summary>The greatest number of ranks, at most so many, that divides the shards.</summary>
    public static int Below(int shards, int most) => Enumerable.Range(1, Math.Min(shards, most)).Last(ranks => shards % ranks == 0);
}
