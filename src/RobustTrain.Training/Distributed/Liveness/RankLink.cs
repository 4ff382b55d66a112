using System.Globalization;
using System.Net;
using System.Net.Sockets;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Training.Distributed.Liveness;

/// <summary>
/// A rank's connection to the hub: says that this process lives, in which step, in what; hears of lost ranks, of requests to stop and of the
/// hub's own end. It has threads of its own.
/// </summary>
public sealed class RankLink : IDisposable
{
    private const int TimeoutsWithoutLauncher = 3;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly RankChannel _channel;
    private readonly int _hubRank;
    private readonly string _hubHost;
    private readonly int _ticksAllowed;
    private readonly TimeSpan _tick;
    private readonly int _parent = ThisProcess.ParentId;
    private readonly ManualResetEventSlim _end = new();
    private readonly ManualResetEventSlim _closed = new();
    private readonly Lock _gate = new();
    private readonly List<string> _earlyNotices = [];
    private volatile Status _status = new("joining", 0, IsWaiting: false);
    private volatile RankLoss? _loss;
    private volatile string? _stopReason;
    private bool _isClosing;
    private int _silentTicks;
    private Action<string>? _onStop;
    private Action? _onCheckpoint;
    private Action<string>? _onNotice;

    private RankLink(RankChannel channel, int rank, string host, int hubRank, string hubHost, TimeSpan tick, TimeSpan timeout)
    {
        _channel = channel;
        Rank = rank;
        Host = host;
        _hubRank = hubRank;
        _hubHost = hubHost;
        _tick = tick;
        _ticksAllowed = (int)Math.Ceiling(timeout / tick);
        new Thread(Beat) { IsBackground = true, Name = "rank heartbeat", Priority = ThreadPriority.AboveNormal }.Start();
        new Thread(Listen) { IsBackground = true, Name = "rank link", Priority = ThreadPriority.AboveNormal }.Start();
    }

    /// <summary>Is called once the launcher is gone, before a stop is asked for.</summary>
    public event Action? LauncherLost;

    /// <summary>This rank.</summary>
    public int Rank { get; }

    /// <summary>This rank's host, as people call it.</summary>
    public string Host { get; }

    /// <summary>The rank that is lost; null while all are there.</summary>
    public RankLoss? Loss => _loss;

    /// <summary>Connects to the hub.</summary>
    /// <param name="addresses">Where it listens; the first that answers is taken.</param>
    /// <param name="token">The run's token.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="host">This rank's host, as people call it.</param>
    /// <param name="hubRank">The rank that holds the hub; -1 for the launcher.</param>
    /// <param name="hubHost">The hub's host.</param>
    /// <exception cref="RunException">The hub can't be reached, or takes this for no rank of its run.</exception>
    public static RankLink Connect(IReadOnlyList<string> addresses, string token, int rank, string host, int hubRank, string hubHost)
    {
        string reason = "it has no address";
        foreach (string address in addresses)
        {
            Socket? socket = null;
            try
            {
                IPEndPoint end = IPEndPoint.Parse(address);
                socket = new Socket(end.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                if (!socket.ConnectAsync(end).Wait(s_patience))
                    throw new SocketException((int)SocketError.TimedOut);
                socket.ReceiveTimeout = socket.SendTimeout = (int)s_patience.TotalMilliseconds;
                RankChannel channel = new(socket);
                List<RankMessage> greeting = [];
                if (!channel.TryRead(greeting) || greeting is not [{ Kind: RankMessageKind.Challenge, Proof: { } challenge } hello, ..])
                    throw new SocketException((int)SocketError.ConnectionReset);
                channel.TryWrite(new RankMessage(RankMessageKind.Hello, rank)
                {
                    Host = host,
                    ProcessId = Environment.ProcessId,
                    Phase = "joining",
                    Proof = RankChannel.Answer(token, challenge, rank),
                });
                socket.ReceiveTimeout = 0;
                return new RankLink(channel, rank, host, hubRank, hubHost, TimeSpan.FromMilliseconds(Math.Max(1, hello.TickMilliseconds)), TimeSpan.FromMilliseconds(hello.TimeoutMilliseconds));
            }
            catch (Exception failed) when (failed is SocketException or AggregateException { InnerException: SocketException })
            {
                reason = $"{address}: {(failed.InnerException ?? failed).Message}";
                socket?.Dispose();
            }
        }

        string hub = hubRank < 0 ? "the launcher" : string.Create(CultureInfo.InvariantCulture, $"rank {hubRank}");
        throw new RunException(
            ExitCode.Configuration, "RankHubNotReached",
            string.Create(CultureInfo.InvariantCulture, $"Rank {rank} on {host} can't reach {hub} on {hubHost} ({reason.TrimEnd('.')}): the ranks watch over each other by TCP, which no firewall between the hosts may hold up."), host);
    }

    /// <summary>Names who is told of requests and notices; what came before is told at once.</summary>
    /// <param name="onStop">Asks for a stop with a checkpoint; is told who asks.</param>
    /// <param name="onCheckpoint">Asks for a checkpoint.</param>
    /// <param name="onNotice">Takes what people should know.</param>
    public void Report(Action<string> onStop, Action onCheckpoint, Action<string> onNotice)
    {
        string? reason;
        string[] notices;
        lock (_gate)
        {
            (_onStop, _onCheckpoint, _onNotice) = (onStop, onCheckpoint, onNotice);
            reason = _stopReason;
            notices = [.. _earlyNotices];
            _earlyNotices.Clear();
        }

        if (reason is not null)
            onStop(reason);
        foreach (string notice in notices)
            onNotice(notice);
    }

    /// <summary>Says what this rank does.</summary>
    /// <param name="phase">In words.</param>
    /// <param name="step">The run's step.</param>
    /// <param name="isWaiting">Whether it waits for other ranks.</param>
    internal void Say(string phase, long step, bool isWaiting)
    {
        Status last = _status;
        if (last.Step != step || last.IsWaiting != isWaiting || last.Phase != phase)
            _status = new Status(phase, step, isWaiting);
    }

    /// <summary>Ends this rank where another one is lost.</summary>
    /// <param name="awaitedIn">The collective in which it is awaited here.</param>
    /// <exception cref="RankLostException">One is.</exception>
    internal void ThrowIfLost(CollectivePurpose awaitedIn)
    {
        if (_loss is { } loss)
            throw loss.ToException(awaitedIn);
    }

    /// <summary>Says that this rank ends by itself.</summary>
    /// <param name="exitCode">With which exit code.</param>
    /// <param name="error">Why, in one sentence; null where nothing failed.</param>
    /// <returns>Whether the hub's system has taken it.</returns>
    public bool Leave(int exitCode, string? error = null)
    {
        lock (_gate)
            _isClosing = true;
        return _channel.TryWrite(new RankMessage(RankMessageKind.Bye, Rank) { ExitCode = exitCode, Text = error });
    }

    /// <summary>Waits until the hub has closed the connection.</summary>
    /// <param name="limit">How long at most.</param>
    public void WaitForEnd(TimeSpan limit) => _closed.Wait(limit);

    /// <summary>Closes the connection; without <see cref="Leave"/> this rank is lost.</summary>
    public void Dispose()
    {
        lock (_gate)
            _isClosing = true;
        _end.Set();
        _channel.Dispose();
    }

    private void Beat()
    {
        while (!_end.Wait(_tick))
        {
            if (ThisProcess.ParentId != _parent)
                BeOrphaned();
            Status status = _status;
            _channel.TryWrite(new RankMessage(RankMessageKind.Beat, Rank) { Step = status.Step, Phase = status.Phase, IsWaiting = status.IsWaiting });
            if (Interlocked.Increment(ref _silentTicks) > _ticksAllowed)
                LoseHub(string.Create(CultureInfo.InvariantCulture, $"it has not been heard of for {(_tick * _ticksAllowed).TotalSeconds:0.#} s"));
        }
    }

    // What MPI's launcher has on this host is gone, and with it what would end this process. The others are told by the end of the connection.
    private static void BeOrphaned() => ThisProcess.Exit((int)ExitCode.Stopped);

    private void Listen()
    {
        List<RankMessage> messages = [];
        while (_channel.TryRead(messages))
        {
            Interlocked.Exchange(ref _silentTicks, 0);
            foreach (RankMessage message in messages)
                Take(message);
            messages.Clear();
        }

        _closed.Set();
        LoseHub("its process has ended, or its connection was cut");
    }

    private void Take(RankMessage message)
    {
        switch (message.Kind)
        {
            case RankMessageKind.Lost:
                _loss ??= new RankLoss(message.Rank, message.Host ?? "an unknown host", message.ProcessId, message.Step, message.Phase ?? "", message.Text ?? "", message.ExitCode);
                break;
            case RankMessageKind.Stop:
                Stop(message.Text ?? "the launcher");
                break;
            case RankMessageKind.Checkpoint:
                Checkpoint();
                break;
            case RankMessageKind.Notice:
                Notice(message.Text ?? "");
                break;
        }
    }

    // Without a launcher the ranks go on to a checkpoint; without a rank they can't.
    private void LoseHub(string reason)
    {
        lock (_gate)
        {
            if (_isClosing)
                return;
        }

        if (_hubRank < 0 && _stopReason is null)
        {
            Interlocked.Exchange(ref _silentTicks, 0);
            LauncherLost?.Invoke();
            Stop($"the launcher on {_hubHost} is gone: {reason}");

            // Nobody tells any more whether the others are there; a collective that takes so long from now on is not waited for.
            if (_end.Wait(_tick * _ticksAllowed * TimeoutsWithoutLauncher))
                return;
        }

        _loss ??= new RankLoss(_hubRank, _hubHost, 0, _status.Step, _status.Phase, reason, ExitCode: null);
    }

    private void Stop(string reason)
    {
        Action<string>? onStop;
        lock (_gate)
        {
            _stopReason ??= reason;
            onStop = _onStop;
        }

        onStop?.Invoke(reason);
    }

    private void Checkpoint()
    {
        Action? onCheckpoint;
        lock (_gate)
            onCheckpoint = _onCheckpoint;
        onCheckpoint?.Invoke();
    }

    private void Notice(string notice)
    {
        Action<string>? onNotice;
        lock (_gate)
        {
            onNotice = _onNotice;
            if (onNotice is null)
                _earlyNotices.Add(notice);
        }

        onNotice?.Invoke(notice);
    }

    private sealed record Status(string Phase, long Step, bool IsWaiting);
}
