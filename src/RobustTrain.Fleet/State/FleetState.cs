using System.Collections.Immutable;
using RobustTrain.Platform;

namespace RobustTrain.Fleet.State;

/// <summary>What a fleet's journal adds up to. Nothing else of a fleet is kept: what its runs have done, their own folders say.</summary>
public sealed record FleetState
{
    /// <summary>Before the first event.</summary>
    public static FleetState Empty { get; } = new();

    /// <summary>The fleet's id; empty before it was created.</summary>
    public string Id { get; private init; } = "";

    /// <summary>What relative paths in configurations are relative to.</summary>
    public string WorkingFolder { get; private init; } = "";

    /// <summary>Who took hold of it and has not let go, alive or not; null where nobody has.</summary>
    public FleetOpened? Holder { get; private init; }

    /// <summary>Its configurations, in the order in which they came.</summary>
    public ImmutableList<FleetMember> Members { get; private init; } = [];

    /// <summary>Its hosts, in the order in which they came.</summary>
    public ImmutableList<string> Hosts { get; private init; } = [];

    /// <summary>When a run was last started on a host.</summary>
    public ImmutableDictionary<string, DateTimeOffset> LastStarts { get; private init; } = ImmutableDictionary<string, DateTimeOffset>.Empty;

    /// <summary>Requests that were taken.</summary>
    public ImmutableHashSet<string> Requests { get; private init; } = [];

    /// <summary>That it is to end; null where it is not.</summary>
    public StopAsked? Stop { get; private init; }

    /// <summary>The hosts, and those that were removed but still have runs.</summary>
    public IEnumerable<string> HostsInUse => Hosts.Concat(Members.Select(member => member.Start?.Host).OfType<string>()).Distinct(StringComparer.OrdinalIgnoreCase);

    /// <summary>A member by its name; null where there is none.</summary>
    public FleetMember? Find(string name) => Members.Find(member => member.Name == name);

    /// <summary>The state after an event.</summary>
    public FleetState Apply(FleetEvent happened)
    {
        FleetState next = happened.Request is { } request ? this with { Requests = Requests.Add(request) } : this;
        return happened switch
        {
            FleetCreated created => next with { Id = created.Id, WorkingFolder = created.WorkingFolder },

            // A new holder begins without what the one before was asked.
            FleetOpened opened => next with { Holder = opened, Stop = null },
            FleetClosed => next with { Holder = null },
            MemberAdded added => next.Add(added),
            MemberRemoved removed => next.Change(member => member.Name == removed.Name, member => member.Start is null ? null : member with { IsRemoved = true }),
            HostAdded added when next.Hosts.Contains(added.Name, StringComparer.OrdinalIgnoreCase) => next,
            HostAdded added => next with { Hosts = next.Hosts.Add(added.Name) },
            HostRemoved removed => next with { Hosts = next.Hosts.RemoveAll(host => host.Equals(removed.Name, StringComparison.OrdinalIgnoreCase)) },
            StopAsked asked => next with { Stop = asked },
            StartIntended intended => next.Change(
                member => member.Name == intended.Member,
                member => member with { Start = new FleetStart(intended.Start, intended.Host, intended.Gpu, intended.GpuIndex, intended.Time) })
                with { LastStarts = next.LastStarts.SetItem(intended.Host, intended.Time) },
            StartAnswered answered => next.ChangeStart(answered.Start, start => start with { Handle = answered.Handle }),
            EndAsked asked => next.ChangeStart(asked.Start, start => start with { End = asked }),
            StartEnded ended => next.Change(member => member.Start?.Id == ended.Start, member => member.After(ended)),
            _ => next,
        };
    }

    private FleetState Add(MemberAdded added) => Find(added.Name) is null
        ? this with { Members = Members.Add(new FleetMember(added.Name, added.Config, added.Settings)) }
        : Change(member => member.Name == added.Name, member => member with { IsRemoved = false, Failures = 0, IsGivenUp = false, LastEnd = null });

    private FleetState ChangeStart(string start, Func<FleetStart, FleetStart> change) =>
        Change(member => member.Start?.Id == start, member => member with { Start = change(member.Start!) });

    // A member that a change leaves null is gone.
    private FleetState Change(Predicate<FleetMember> which, Func<FleetMember, FleetMember?> change) =>
        this with { Members = [.. Members.Select(member => which(member) ? change(member) : member).OfType<FleetMember>()] };
}

/// <summary>A configuration of a fleet.</summary>
/// <param name="Name">The name of its run's folder.</param>
/// <param name="Config">Its file.</param>
/// <param name="Settings">Settings that win over it.</param>
public sealed record FleetMember(string Name, string Config, IReadOnlyList<string> Settings)
{
    private const int WrongConfiguration = 2;
    private const int WrongData = 3;

    /// <summary>The start whose fate is not settled yet; null where nothing of it lives.</summary>
    public FleetStart? Start { get; init; }

    /// <summary>How its last start ended; null before the first.</summary>
    public StartEnded? LastEnd { get; init; }

    /// <summary>Failures in a row: those with no epoch completed in between.</summary>
    public int Failures { get; init; }

    /// <summary>Whether starting it again would fail the same way.</summary>
    public bool IsGivenUp { get; init; }

    /// <summary>Whether it is to go once it has stopped.</summary>
    public bool IsRemoved { get; init; }

    /// <summary>The process of its last start, which has ended; null where it had none.</summary>
    public ProcessIdentity? LastProcess { get; init; }

    private int EpochsAtFailure { get; init; } = -1;

    /// <summary>The member after a start of it has ended; null where it is to go.</summary>
    internal FleetMember? After(StartEnded ended)
    {
        if (IsRemoved)
            return null;
        bool isStuck = Start?.End?.Reason == EndReason.Stuck && ended.Outcome != StartOutcome.Finished;
        bool isFailure = isStuck || (Start?.End is null && ended.Outcome is StartOutcome.Failed or StartOutcome.Died);
        FleetMember after = this with { Start = null, LastEnd = ended, LastProcess = Start?.Handle?.Process ?? LastProcess };
        return !isFailure ? after : after with
        {
            Failures = ended.EpochsDone > EpochsAtFailure ? 1 : Failures + 1,
            EpochsAtFailure = ended.EpochsDone,
            IsGivenUp = !isStuck && ended.ExitCode is WrongConfiguration or WrongData,
            LastEnd = isStuck ? ended with { Error = "it made no step for too long and was stopped" } : ended,
        };
    }
}

/// <summary>A start that may live on its host.</summary>
/// <param name="Id">The id that the trainer carries.</param>
/// <param name="Host">The host.</param>
/// <param name="Gpu">The GPU's UUID; null for a place on the CPU.</param>
/// <param name="GpuIndex">The GPU's index.</param>
/// <param name="Time">When it was decided.</param>
public sealed record FleetStart(string Id, string Host, string? Gpu, int? GpuIndex, DateTimeOffset Time)
{
    /// <summary>Its process or job; null where the fleet does not know yet whether there is one.</summary>
    public StartHandle? Handle { get; init; }

    /// <summary>That it was asked to end; null where it was not.</summary>
    public EndAsked? End { get; init; }
}
