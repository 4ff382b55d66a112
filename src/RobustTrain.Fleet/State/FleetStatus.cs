using System.Text.Json.Serialization;

namespace RobustTrain.Fleet.State;

/// <summary>How a fleet stood when its process last looked.</summary>
/// <param name="Time">When, UTC.</param>
/// <param name="Members">Its configurations.</param>
/// <param name="Hosts">Its hosts.</param>
public sealed record FleetStatus(DateTimeOffset Time, IReadOnlyList<MemberStatus> Members, IReadOnlyList<HostStatus> Hosts);

/// <summary>How a configuration stands.</summary>
/// <param name="Name">The name of its run's folder.</param>
/// <param name="State">How it stands.</param>
/// <param name="Reason">Why, in a sentence without a full stop.</param>
public sealed record MemberStatus(string Name, MemberState State, string Reason)
{
    /// <summary>Its file.</summary>
    public string? Config { get; init; }

    /// <summary>The host on which it is at work; null where it is not.</summary>
    public string? Host { get; init; }

    /// <summary>The index of its GPU there; null for a place on the CPU.</summary>
    public int? GpuIndex { get; init; }

    /// <summary>The complete epochs.</summary>
    public int EpochsDone { get; init; }

    /// <summary>The epochs to train; null where nobody knows yet.</summary>
    public int? Epochs { get; init; }

    /// <summary>Failures in a row.</summary>
    public int Failures { get; init; }
}

/// <summary>How a host stands.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsUsable">Whether runs may be started there.</param>
/// <param name="Reason">Why not, or what it offers.</param>
/// <param name="Runs">The fleet's runs on it.</param>
public sealed record HostStatus(string Name, bool IsUsable, string Reason, int Runs);

/// <summary>How a configuration stands in its fleet.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MemberState>))]
public enum MemberState
{
    /// <summary>It waits to be started.</summary>
    Queued,

    /// <summary>A process works on its run.</summary>
    Running,

    /// <summary>Its run is finished.</summary>
    Finished,

    /// <summary>It has failed, and is not started again.</summary>
    Failed,

    /// <summary>It makes no steps, and is being stopped to be started again.</summary>
    Stuck,

    /// <summary>Its configuration is another one than that with which its run was begun.</summary>
    Outdated,
}
