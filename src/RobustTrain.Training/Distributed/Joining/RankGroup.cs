using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training.Distributed.Liveness;
using RobustTrain.Training.Distributed.Mpi;
using RobustTrain.Training.Distributed.Nccl;
using RobustTrain.Training.Native;

namespace RobustTrain.Training.Distributed.Joining;

/// <summary>The ranks that a launcher has started for one run, joined: what they exchange, and how they watch over each other.</summary>
public sealed class RankGroup : IDisposable
{
    // How long the last rank may take to leave after the first.
    private static readonly TimeSpan s_leaving = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_joining = TimeSpan.FromMinutes(5);

    private readonly RankLink _link;
    private readonly RankHub? _hub;
    private readonly bool _hasLauncher;
    private NcclCommunicator? _devices;
    private bool _hasLeft;

    private RankGroup(ICommunicator communicator, RankLink link, RankHub? hub, RankEnvironment environment, IReadOnlyList<string> hosts)
    {
        Communicator = communicator;
        Hosts = hosts;
        _link = link;
        _hub = hub;
        _hasLauncher = environment.Launcher is not null;
        int rank = communicator.Rank;
        LocalRank = environment.LocalRank ?? hosts.Take(rank).Count(host => host == hosts[rank]);
        LocalSize = environment.LocalSize ?? hosts.Count(host => host == hosts[rank]);
    }

    /// <summary>What the ranks exchange.</summary>
    public ICommunicator Communicator { get; }

    /// <summary>The host of each rank, as people call it.</summary>
    public IReadOnlyList<string> Hosts { get; }

    /// <summary>This rank's number among those of its host, from 0.</summary>
    public int LocalRank { get; }

    /// <summary>The ranks of this host.</summary>
    public int LocalSize { get; }

    /// <summary>This rank.</summary>
    public int Rank => Communicator.Rank;

    /// <summary>All ranks.</summary>
    public int Size => Communicator.Size;

    /// <summary>Joins the ranks; returns once all have come.</summary>
    /// <param name="environment">What the launcher says.</param>
    /// <param name="timeout">How long a rank may be silent, where this one watches over them.</param>
    /// <exception cref="RunException">There is no MPI, another one, or the hub can't be reached.</exception>
    public static RankGroup Join(RankEnvironment environment, TimeSpan timeout)
    {
        // First of all, so that what goes wrong from here on is heard of.
        RankLink? link = environment.Launcher is { } launcher
            ? RankLink.Connect(launcher.Addresses, launcher.Token, environment.Rank, environment.Host, RankMessage.Hub, launcher.Host)
            : null;
        // mpiexec would end all ranks at once with the first line that nobody takes from it any more.
        if (link is not null)
            link.LauncherLost += ThisProcess.SilenceOutput;
        RankHub? hub = null;
        try
        {
            MpiLibrary mpi = MpiLibrary.Load();
            MpiCommunicator communicator = MpiCommunicator.Join(mpi);
            if (communicator.Size != environment.Size || communicator.Rank != environment.Rank)
                throw Strangers(mpi, environment, communicator);
            if (link is not null)
                communicator.Watch(link);
            string[] hosts = communicator.Gather(environment.Host, "joining");
            if (link is null)
            {
                hub = environment.Rank == 0 ? new RankHub(hosts, timeout, s_joining, isLocal: hosts.All(host => host == hosts[0])) : null;
                hub?.Start();
                HubPlace place = communicator.Broadcast(hub is null ? null : new HubPlace(hub.Addresses, hub.Token), HubPlaceJson.Default.HubPlace, "joining");
                link = RankLink.Connect(place.Addresses, place.Token, environment.Rank, environment.Host, hubRank: 0, hosts[0]);
                communicator.Watch(link);
                communicator.Barrier(new CollectivePurpose("joining", 0));
            }

            return new RankGroup(communicator, link, hub, environment, hosts);
        }
        catch (Exception failure)
        {
            if (failure is RunException known and not RankLostException)
                link?.Leave((int)known.ExitCode, known.Message);
            link?.Dispose();
            hub?.Dispose();
            throw;
        }
    }

    /// <summary>Joins the ranks' GPUs by NCCL.</summary>
    /// <param name="device">This rank's GPU, as torch counts them.</param>
    /// <returns>What they exchange; null where this machine has no NCCL.</returns>
    /// <exception cref="RunException">NCCL refuses, or is not on all hosts.</exception>
    public ICommunicator? TryJoinDevices(int device)
    {
        bool isThere = NcclLibrary.TryLoad(LibTorch.Load().Folder, out NcclLibrary? nccl);
        string[] all = Gather(isThere ? "1" : "", "joining the GPUs");
        if (all.All(rank => rank.Length == 0))
            return null;
        int missing = Array.FindIndex(all, rank => rank.Length == 0);
        return missing < 0
            ? _devices = new NcclCommunicator(nccl!, Communicator, new CudaDriver.WorkStream(device), _link)
            : throw new RunException(
                ExitCode.Configuration, "NcclNotFound",
                string.Create(CultureInfo.InvariantCulture, $"Rank {missing} on {Hosts[missing]} has no NCCL (libnccl.so.2), but others have: install it on each host, or on none."), Hosts[missing]);
    }

    /// <summary>Names who is told of requests that come from the launcher, and of what people should know.</summary>
    /// <param name="onStop">Asks for a stop with a checkpoint; is told who asks.</param>
    /// <param name="onCheckpoint">Asks for a checkpoint.</param>
    /// <param name="onNotice">Takes what people should know.</param>
    public void Report(Action<string> onStop, Action onCheckpoint, Action<string> onNotice) => _link.Report(onStop, onCheckpoint, onNotice);

    /// <summary>What each rank says, at all ranks, in the ranks' order.</summary>
    /// <param name="text">What this rank says.</param>
    /// <param name="purpose">What for, in a word.</param>
    /// <exception cref="RankLostException">A rank is lost.</exception>
    public string[] Gather(string text, string purpose) => Communicator.Gather(text, purpose);

    /// <summary>Leaves the others in order: each rank calls it, once nothing more is to be exchanged.</summary>
    /// <param name="exitCode">With which exit code this process ends.</param>
    public void Leave(int exitCode)
    {
        if (_hasLeft)
            return;
        _hasLeft = true;

        // A rank that dies now has done its work, but MPI would wait for it.
        using (new Timer(_ => ThisProcess.Exit(exitCode), null, s_leaving, Timeout.InfiniteTimeSpan))
        {
            _devices?.Dispose();
            Communicator.Dispose();
        }

        _link.Leave(exitCode);
        _hub?.WaitForEnd(s_leaving);
    }

    /// <summary>Leaves the others since this rank can't go on, or since another one is lost.</summary>
    /// <param name="exitCode">With which exit code this process ends.</param>
    /// <param name="error">Why, in one sentence; null where another rank is the cause.</param>
    /// <returns>Whether rank 0 tells people. A foreign mpiexec kills it when this process ends, maybe before it has.</returns>
    public bool Fail(int exitCode, string? error)
    {
        if (_hasLeft)
            return false;
        _hasLeft = true;
        bool isHeard = _link.Leave(exitCode, error);
        if (_hub is not null)
            _hub.WaitForEnd(s_leaving);
        else if (_hasLauncher && Rank != 0)
            _link.WaitForEnd(s_leaving);
        return isHeard && _hasLauncher;
    }

    /// <summary>Cuts the connections; without <see cref="Leave"/> or <see cref="Fail"/> before, this rank is lost to the others.</summary>
    public void Dispose()
    {
        _link.Dispose();
        _hub?.Dispose();
    }

    private static RunException Strangers(MpiLibrary mpi, RankEnvironment environment, MpiCommunicator found) => new(
        ExitCode.Configuration, "MpiNotUsable",
        string.Create(
            CultureInfo.InvariantCulture,
            $"mpiexec has started {environment.Size} ranks, of which this is {environment.Rank}, but {mpi.Version} ({mpi.Path}) knows of {found.Size} and takes it for {found.Rank}: mpiexec and library belong to different kinds of MPI; {MpiLibrary.Variable} names another library."),
        mpi.Path);
}

/// <summary>Where the hub of rank 0 listens, for the other ranks.</summary>
internal sealed record HubPlace(IReadOnlyList<string> Addresses, string Token);

[JsonSerializable(typeof(HubPlace))]
internal sealed partial class HubPlaceJson : JsonSerializerContext;

/// <summary>Texts between ranks.</summary>
internal static class RankTexts
{
    /// <summary>What each rank says, at all ranks.</summary>
    public static unsafe string[] Gather(this ICommunicator ranks, string text, string purpose)
    {
        byte[] mine = Encoding.UTF8.GetBytes(text);
        long length = mine.Length;
        long[] lengths = new long[ranks.Size];
        CollectivePurpose why = new(purpose, 0);
        fixed (long* first = lengths)
            ranks.BeginGather((nint)(&length), sizeof(long), (nint)first, [.. Enumerable.Repeat((long)sizeof(long), ranks.Size)], why).Wait();
        byte[] all = new byte[lengths.Sum()];
        fixed (byte* send = mine, receive = all)
            ranks.BeginGather((nint)send, length, (nint)receive, lengths, why).Wait();
        string[] texts = new string[ranks.Size];
        int at = 0;
        for (int rank = 0; rank < texts.Length; at += (int)lengths[rank++])
            texts[rank] = Encoding.UTF8.GetString(all, at, (int)lengths[rank]);
        return texts;
    }

    /// <summary>What rank 0 says, at all ranks.</summary>
    public static T Broadcast<T>(this ICommunicator ranks, T? value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string purpose)
        where T : class => JsonSerializer.Deserialize(ranks.Gather(value is null ? "" : JsonSerializer.Serialize(value, type), purpose)[0], type)!;
}
