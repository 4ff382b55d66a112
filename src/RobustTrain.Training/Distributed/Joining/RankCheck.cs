using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Runs;

namespace RobustTrain.Training.Distributed.Joining;

/// <summary>What has to be the same at all ranks before the first step, or what keeps a rank from beginning.</summary>
public sealed record RankCheck
{
    /// <summary>What computes.</summary>
    public RunVersions? Versions { get; init; }

    /// <summary>The configuration's values, by their keys.</summary>
    public IReadOnlyDictionary<string, string>? Configuration { get; init; }

    /// <summary>What the splits of the data hold.</summary>
    public IReadOnlyList<SplitRecord>? Data { get; init; }

    /// <summary>Why the rank can't begin; null where it can.</summary>
    public string? Error { get; init; }

    /// <summary>The error's stable id.</summary>
    public string? ErrorId { get; init; }

    /// <summary>The exit code with which all end then.</summary>
    public int ExitCode { get; init; }

    /// <summary>Ends all ranks where one can't begin.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="own">This rank's own error, with which it ends where all have the same.</param>
    /// <exception cref="Exception">The error of the first rank that has one.</exception>
    public void AgreeOnErrors(RankGroup group, Exception? own)
    {
        RankCheck[] all = Exchange(group);
        if (own is not null && all.All(each => each.Error == Error))
            ExceptionDispatchInfo.Throw(own);
        if (all.FirstOrDefault(each => each.Error is not null) is not null)
            throw Verdict(all, group.Hosts)!;
    }

    /// <summary>Compares what all ranks have; each of them comes to the same verdict.</summary>
    /// <param name="group">The ranks.</param>
    /// <exception cref="RunException">The first difference, or the error of the first rank that has one.</exception>
    public void Agree(RankGroup group)
    {
        if (Verdict(Exchange(group), group.Hosts) is { } failure)
            throw failure;
    }

    private RankCheck[] Exchange(RankGroup group) =>
        [.. group.Gather(JsonSerializer.Serialize(this, RankCheckJson.Default.RankCheck), "check").Select(text => JsonSerializer.Deserialize(text, RankCheckJson.Default.RankCheck)!)];

    /// <summary>The first difference, or the error of the first rank that has one; null where there is none.</summary>
    /// <param name="all">What each rank has.</param>
    /// <param name="hosts">The host of each rank.</param>
    internal static RunException? Verdict(IReadOnlyList<RankCheck> all, IReadOnlyList<string> hosts)
    {
        for (int rank = 0; rank < all.Count; rank++)
        {
            // What all have, none has alone.
            if (all[rank].Error is { } error)
            {
                string who = all.All(each => each.Error == error) ? "" : $"{Name(rank)}: ";
                return new RunException((ExitCode)all[rank].ExitCode, all[rank].ErrorId!, who + error, hosts[rank]);
            }
        }

        for (int rank = 1; rank < all.Count; rank++)
        {
            if (Difference(all[0], all[rank]) is { } difference)
                return new RunException(Runs.ExitCode.Configuration, "RanksDiffer", $"{Name(rank)} differs from {Name(0)}: {difference}; all ranks need the same.", hosts[rank]);
        }

        return null;

        string Name(int rank) => string.Create(CultureInfo.InvariantCulture, $"rank {rank} on {hosts[rank]}");
    }

    private static string? Difference(RankCheck first, RankCheck other)
    {
        if (first.Versions!.RobustTrain != other.Versions!.RobustTrain)
            return $"it has robusttrain {other.Versions.RobustTrain} in place of {first.Versions.RobustTrain}";
        if (first.Versions.LibTorch != other.Versions.LibTorch)
            return $"it has libtorch {other.Versions.LibTorch} in place of {first.Versions.LibTorch}";
        if (first.Versions.DotNet != other.Versions.DotNet)
            return $"it has .NET {other.Versions.DotNet} in place of {first.Versions.DotNet}";
        foreach ((string key, string value) in first.Configuration!)
        {
            if (other.Configuration!.GetValueOrDefault(key) is var found && found != value)
                return $"its {key} is {found ?? "not known"} in place of {value}";
        }

        if (first.Data is null || other.Data is null)
            return first.Data is null == other.Data is null ? null : "only one of them can list its data";
        foreach (SplitRecord split in first.Data)
        {
            SplitRecord? found = other.Data.FirstOrDefault(each => each.Split == split.Split);
            if (found is null || found.Samples != split.Samples)
                return string.Create(CultureInfo.InvariantCulture, $"its {split.Split} data are {found?.Samples ?? 0} samples in place of {split.Samples}");
            if (found.Bytes != split.Bytes)
                return string.Create(CultureInfo.InvariantCulture, $"its {split.Split} data are {found.Bytes} bytes in place of {split.Bytes}");
            if (found.Digest != split.Digest)
                return $"its {split.Split} data have other names or sizes of files";
        }

        return null;
    }
}

[JsonSerializable(typeof(RankCheck))]
internal sealed partial class RankCheckJson : JsonSerializerContext;
