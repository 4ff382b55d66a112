using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace RobustTrain.Training.Distributed.Liveness;

/// <summary>
/// Watches over the ranks of a run, in the launcher or, where there is none of ours, in rank 0: each rank holds a connection and says several
/// times a timeout that it lives, in which step, in what. A rank whose connection ends without a word, or that is silent for longer than
/// the timeout, is lost, and all others are told; one that lives but keeps others waiting is warned of.
/// </summary>
/// <remarks>
/// Silence is counted in ticks of the hub's own, so that the time in which the hub stood still itself (a suspended machine) counts as one.
/// It has a thread of its own, since those of the pool may all be busy for seconds.
/// </remarks>
public sealed class RankHub : IDisposable
{
    private const int TicksATimeout = 8;
    private const int ChallengeBytes = 16;
    private const string Joining = "joining";
    private static readonly TimeSpan s_longestTick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    private readonly TimeSpan _tick;
    private readonly int _ticksAllowed;
    private readonly int _joiningTicksAllowed;
    private readonly TimeSpan _timeout;
    private readonly Socket _listener;
    private readonly Member[] _members;
    private readonly List<(RankChannel Channel, string Challenge)> _strangers = [];
    private readonly Thread _thread;
    private readonly Lock _gate = new();
    private readonly List<string> _notices = [];
    private string? _stopReason;
    private volatile bool _isDisposed;

    /// <summary>Begins to listen.</summary>
    /// <param name="hosts">The host of each rank, as people call it; null where the ranks say it.</param>
    /// <param name="timeout">How long a rank may be silent.</param>
    /// <param name="joining">How long a rank may take until it is there.</param>
    /// <param name="isLocal">Whether all ranks are on this machine; else it listens on every network.</param>
    public RankHub(IReadOnlyList<string?> hosts, TimeSpan timeout, TimeSpan joining, bool isLocal)
    {
        _timeout = timeout;
        _tick = timeout / TicksATimeout < s_longestTick ? timeout / TicksATimeout : s_longestTick;
        _ticksAllowed = (int)Math.Ceiling(timeout / _tick);
        _joiningTicksAllowed = (int)Math.Ceiling(joining / _tick);
        _members = [.. hosts.Select((host, rank) => new Member(rank, host))];
        Token = Convert.ToHexString(RandomNumberGenerator.GetBytes(ChallengeBytes));
        _listener = isLocal ? Listen(IPAddress.Loopback) : Listen(IPAddress.IPv6Any);
        int port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        Addresses = [.. (isLocal ? [IPAddress.Loopback] : OwnAddresses()).Select(address => new IPEndPoint(address, port).ToString())];
        _thread = new Thread(Run) { IsBackground = true, Name = "rank hub", Priority = ThreadPriority.AboveNormal };
    }

    /// <summary>Is called once a rank is lost or has ended with an error.</summary>
    public event Action<RankLoss>? Lost;

    /// <summary>Is called once all ranks are there.</summary>
    public event Action? AllJoined;

    /// <summary>Where it listens, as <c>address:port</c>; one of them is reached from each host.</summary>
    public IReadOnlyList<string> Addresses { get; }

    /// <summary>What a rank has to know to be taken for one.</summary>
    public string Token { get; }

    /// <summary>The first rank that was lost or ended with an error; null while there is none.</summary>
    public RankLoss? FirstLoss { get; private set; }

    /// <summary>Whether all ranks have come, and rank 0 does more than to join them.</summary>
    public bool HasBegun
    {
        get
        {
            lock (_gate)
                return _members.All(member => member.HasJoined) && _members[0].Phase != Joining;
        }
    }

    /// <summary>The exit codes with which ranks have ended by themselves so far, by their ranks; null for those that have not.</summary>
    public IReadOnlyList<int?> ExitCodes
    {
        get
        {
            lock (_gate)
                return [.. _members.Select(member => member.ExitCode)];
        }
    }

    /// <summary>What a rank has said last that it does.</summary>
    internal string PhaseOf(int rank)
    {
        lock (_gate)
            return _members[rank].Phase;
    }

    /// <summary>Begins to watch; whoever wants to hear of something has said so before.</summary>
    public void Start() => _thread.Start();

    /// <summary>Asks all ranks to stop with a checkpoint.</summary>
    /// <param name="reason">Who asks, for people.</param>
    public void Stop(string reason)
    {
        lock (_gate)
            _stopReason ??= reason;
        Tell(new RankMessage(RankMessageKind.Stop) { Text = reason });
    }

    /// <summary>Says something to people through rank 0, which writes it into the journal, once it is there.</summary>
    public void Notify(string notice)
    {
        lock (_gate)
        {
            _notices.Add(notice);
            _members[0].Channel?.TryWrite(new RankMessage(RankMessageKind.Notice) { Text = notice });
        }
    }

    /// <summary>Asks all ranks for a checkpoint.</summary>
    public void Checkpoint() => Tell(new RankMessage(RankMessageKind.Checkpoint));

    /// <summary>Waits until every rank has left or is lost.</summary>
    /// <param name="limit">How long at most.</param>
    public void WaitForEnd(TimeSpan limit)
    {
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < limit && !HasEnded(); Thread.Sleep(s_look))
        {
        }
    }

    /// <summary>Whether a rank has come and has left, or is lost.</summary>
    public bool HasLeft(int rank)
    {
        lock (_gate)
            return _members[rank] is { HasJoined: true } member && (member.Channel is null || member.ExitCode is not null);
    }

    /// <summary>Ends the watch, without a word to the ranks that are left.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _listener.Dispose();
        if (_thread.IsAlive && Thread.CurrentThread != _thread)
            _thread.Join();
    }

    private bool HasEnded()
    {
        lock (_gate)
            return _members.All(member => member.Channel is null || member.ExitCode is not null);
    }

    private static Socket Listen(IPAddress address)
    {
        Socket listener = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
                listener.DualMode = true;
            listener.Bind(new IPEndPoint(address, 0));
            listener.Listen(1024);
            return listener;
        }
        catch (SocketException) when (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            // A kernel without IPv6.
            listener.Dispose();
            return Listen(IPAddress.Any);
        }
    }

    private static IEnumerable<IPAddress> OwnAddresses() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(network => network.OperationalStatus == OperationalStatus.Up)
        .OrderBy(network => network.NetworkInterfaceType == NetworkInterfaceType.Loopback)
        .SelectMany(network => network.GetIPProperties().UnicastAddresses)
        .Select(address => address.Address)
        .Where(address => !address.IsIPv6LinkLocal)
        .OrderBy(address => IPAddress.IsLoopback(address))
        .ThenBy(address => address.AddressFamily == AddressFamily.InterNetworkV6);

    private void Run()
    {
        try
        {
            Watch();
        }
        catch (Exception closed) when (_isDisposed && closed is SocketException or ObjectDisposedException)
        {
            // The listener was closed under this thread.
        }
        finally
        {
            foreach ((RankChannel channel, _) in _strangers)
                channel.Dispose();
            lock (_gate)
            {
                foreach (Member member in _members)
                {
                    member.Channel?.Dispose();
                    member.Channel = null;
                }
            }
        }
    }

    private void Watch()
    {
        long last = Stopwatch.GetTimestamp();
        List<Socket> readable = [];
        while (!_isDisposed)
        {
            readable.Clear();
            readable.Add(_listener);
            readable.AddRange(_strangers.Select(stranger => stranger.Channel.Socket));
            readable.AddRange(_members.Select(member => member.Channel?.Socket).OfType<Socket>());
            Socket.Select(readable, null, null, _tick / 2);
            foreach (Socket socket in readable)
                Read(socket);
            if (Stopwatch.GetElapsedTime(last) < _tick)
                continue;
            last = Stopwatch.GetTimestamp();
            CountTick();
        }
    }

    private void Read(Socket socket)
    {
        if (socket == _listener)
        {
            Greet(_listener.Accept());
        }
        else if (Array.Find(_members, member => member.Channel?.Socket == socket) is { } member)
        {
            List<RankMessage> messages = [];
            bool isOpen = member.Channel!.TryRead(messages);
            foreach (RankMessage message in messages)
                Take(member, message);
            if (!isOpen)
                Close(member);
        }
        else if (_strangers.Find(stranger => stranger.Channel.Socket == socket) is { Channel: not null } stranger)
        {
            List<RankMessage> messages = [];
            bool isOpen = stranger.Channel.TryRead(messages);
            if (messages.Count > 0 || !isOpen)
            {
                _strangers.Remove(stranger);
                if (messages.Count == 0 || !TryAdmit(stranger.Channel, stranger.Challenge, messages))
                    stranger.Channel.Dispose();
            }
        }
    }

    private void Greet(Socket socket)
    {
        socket.NoDelay = true;
        socket.SendTimeout = (int)_timeout.TotalMilliseconds;
        RankChannel channel = new(socket);
        string challenge = Convert.ToHexString(RandomNumberGenerator.GetBytes(ChallengeBytes));
        channel.TryWrite(new RankMessage(RankMessageKind.Challenge) { Proof = challenge, TickMilliseconds = _tick.TotalMilliseconds, TimeoutMilliseconds = _timeout.TotalMilliseconds });
        _strangers.Add((channel, challenge));
    }

    private bool TryAdmit(RankChannel channel, string challenge, List<RankMessage> messages)
    {
        RankMessage hello = messages[0];
        if (hello.Kind != RankMessageKind.Hello || hello.Rank < 0 || hello.Rank >= _members.Length || _members[hello.Rank].HasJoined
            || hello.Proof is null || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(hello.Proof), Encoding.UTF8.GetBytes(RankChannel.Answer(Token, challenge, hello.Rank))))
        {
            return false;
        }

        Member member = _members[hello.Rank];
        lock (_gate)
        {
            member.Channel = channel;
            member.HasJoined = true;
            member.SilentTicks = 0;
            member.Host ??= hello.Host;
            member.ProcessId = hello.ProcessId;
            member.Phase = hello.Phase ?? Joining;
        }

        foreach (RankMessage message in messages.Skip(1))
            Take(member, message);

        // What the others know already.
        lock (_gate)
        {
            if (_stopReason is { } reason)
                channel.TryWrite(new RankMessage(RankMessageKind.Stop) { Text = reason });
            foreach (string notice in hello.Rank == 0 ? _notices : [])
                channel.TryWrite(new RankMessage(RankMessageKind.Notice) { Text = notice });
        }

        if (FirstLoss is { } loss)
            channel.TryWrite(MessageOf(loss));
        if (_members.All(one => one.HasJoined))
            AllJoined?.Invoke();
        return true;
    }

    private void Take(Member member, RankMessage message)
    {
        member.SilentTicks = 0;
        switch (message.Kind)
        {
            case RankMessageKind.Beat:
                if (member.Step != message.Step || member.Phase != message.Phase || member.IsWaiting != message.IsWaiting)
                    member.SameTicks = 0;
                lock (_gate)
                    (member.Step, member.Phase, member.IsWaiting) = (message.Step, message.Phase ?? "", message.IsWaiting);
                break;
            case RankMessageKind.Bye:
                lock (_gate)
                    member.ExitCode = message.ExitCode;
                if (message.ExitCode is not (0 or (int)Runs.ExitCode.Stopped))
                    Lose(member, message.Text ?? string.Create(CultureInfo.InvariantCulture, $"it ended with exit code {message.ExitCode}"), message.ExitCode);
                break;
        }
    }

    private void Close(Member member)
    {
        lock (_gate)
        {
            member.Channel!.Dispose();
            member.Channel = null;
        }

        if (member.ExitCode is null && !member.IsLost)
            Lose(member, "its process has ended, or its connection was cut", exitCode: null);
    }

    private void CountTick()
    {
        RankMessage beat = new(RankMessageKind.Beat);
        foreach (Member member in _members)
        {
            if (member.IsLost || member.ExitCode is not null)
                continue;
            member.SilentTicks++;
            member.SameTicks++;
            member.Channel?.TryWrite(beat);
            if (member.HasJoined && member.SilentTicks > _ticksAllowed)
                Lose(member, string.Create(CultureInfo.InvariantCulture, $"it has not been heard of for {_timeout.TotalSeconds:0.#} s, so that its process stands still or its host is cut off"), exitCode: null);
            else if (!member.HasJoined && member.SilentTicks > _joiningTicksAllowed)
                Lose(member, string.Create(CultureInfo.InvariantCulture, $"it has not come within {(_tick * _joiningTicksAllowed).TotalSeconds:0} s of the launch"), exitCode: null);
        }

        // One that computes in a step in which others have waited for long is slow, but lives.
        Member[] present = [.. _members.Where(member => member is { HasJoined: true, IsLost: false, ExitCode: null })];
        Member[] waiting = [.. present.Where(member => member.IsWaiting && member.SameTicks > _ticksAllowed)];
        if (waiting.Length == 0 || FirstLoss is not null)
            return;
        foreach (Member slow in present.Where(member => !member.IsWaiting && member.SameTicks > _ticksAllowed && (member.Step, member.Phase) != member.WarnedOf))
        {
            slow.WarnedOf = (slow.Step, slow.Phase);
            string sentence = string.Create(
                CultureInfo.InvariantCulture,
                $"Rank {slow.Rank} on {slow.Host} keeps {waiting.Length} of {_members.Length} ranks waiting in '{waiting[0].Phase}' of step {waiting[0].Step} for more than {_timeout.TotalSeconds:0.#} s; it lives, so that they go on waiting.");
            Notify(sentence);
        }
    }

    private void Lose(Member member, string reason, int? exitCode)
    {
        if (member.IsLost)
            return;
        member.IsLost = true;
        RankLoss loss = new(member.Rank, member.Host ?? "an unknown host", member.ProcessId, member.Step, member.Phase, reason, exitCode);
        bool isFirst = FirstLoss is null;
        FirstLoss ??= loss;
        if (isFirst)
            Tell(MessageOf(loss));

        // One that only stood still finds out when it goes on.
        if (exitCode is null && member.Channel is { } silent)
        {
            silent.TryWrite(MessageOf(loss));
            Close(member);
        }

        if (isFirst)
            Lost?.Invoke(loss);
    }

    private static RankMessage MessageOf(RankLoss loss) => new(RankMessageKind.Lost, loss.Rank)
    {
        Host = loss.Host,
        ProcessId = loss.ProcessId,
        Step = loss.Step,
        Phase = loss.Phase,
        Text = loss.Reason,
        ExitCode = loss.ExitCode,
    };

    private void Tell(RankMessage message)
    {
        RankChannel[] channels;
        lock (_gate)
            channels = [.. _members.Where(member => !member.IsLost).Select(member => member.Channel).OfType<RankChannel>()];
        foreach (RankChannel channel in channels)
            channel.TryWrite(message);
    }

    private sealed class Member(int rank, string? host)
    {
        public int Rank { get; } = rank;

        public string? Host { get; set; } = host;

        public int ProcessId { get; set; }

        public RankChannel? Channel { get; set; }

        public bool HasJoined { get; set; }

        public bool IsLost { get; set; }

        public int? ExitCode { get; set; }

        public long Step { get; set; }

        public string Phase { get; set; } = "starting";

        public bool IsWaiting { get; set; }

        public int SilentTicks { get; set; }

        public int SameTicks { get; set; }

        public (long Step, string Phase)? WarnedOf { get; set; }
    }
}
