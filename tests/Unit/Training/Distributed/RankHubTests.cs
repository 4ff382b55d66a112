using System.Net;
using System.Net.Sockets;
using RobustTrain.Runs;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Distributed.Liveness;

namespace RobustTrain.Tests.Training.Distributed;

/// <summary>How ranks that are lost are told apart from slow ones, over real connections.</summary>
public sealed class RankHubTests : IDisposable
{
    // What may be waited for on a machine that is busy with other things.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly List<IDisposable> _opened = [];
    private readonly TaskCompletionSource<RankLoss> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RankHub _hub;

    public RankHubTests() => _hub = Open(TimeSpan.FromSeconds(30));

    public void Dispose()
    {
        foreach (IDisposable opened in Enumerable.Reverse(_opened))
            opened.Dispose();
    }

    [Fact]
    public async Task A_rank_whose_connection_ends_without_a_word_is_named_to_all_others()
    {
        RankLink first = Connect(0);
        RankLink second = Connect(1);
        second.Say("gradients", 41, isWaiting: false);
        await Until(() => Seen(1) == "gradients");
        second.Dispose();

        RankLoss loss = await _lost.Task.WaitAsync(s_patience);
        await Until(() => first.Loss is not null);

        RankLostException thrown = Assert.Throws<RankLostException>(() => first.ThrowIfLost(new CollectivePurpose("agreement", 42)));
        Assert.Equal((1, "host1", 41L, "gradients"), (loss.Rank, loss.Host, loss.Step, loss.Phase));
        Assert.Equal((ExitCode.Stopped, 1, "host1", 42L), (thrown.ExitCode, thrown.Rank, thrown.Host, thrown.Purpose.Step));
        Assert.Equal(
            $"Rank 1 on host1 (process {Environment.ProcessId}) is lost: its process has ended, or its connection was cut; it was last heard of in step 41 (gradients), and was awaited in 'agreement' of step 42.",
            thrown.Message);
    }

    [Fact]
    public async Task A_rank_that_is_silent_for_longer_than_the_timeout_is_lost_and_one_that_is_slow_is_warned_of()
    {
        using RankHub hub = new(["a", "b", "c"], TimeSpan.FromSeconds(1), s_patience, isLocal: true);
        TaskCompletionSource<RankLoss> lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<string> notice = new(TaskCreationOptions.RunContinuationsAsynchronously);
        hub.Lost += loss => lost.TrySetResult(loss);
        hub.Start();
        using RankLink first = RankLink.Connect(hub.Addresses, hub.Token, 0, "a", -1, "launcher");
        first.Report(_ => { }, () => { }, text => notice.TrySetResult(text));
        using RankLink slow = RankLink.Connect(hub.Addresses, hub.Token, 1, "b", -1, "launcher");
        first.Say("gradients", 5, isWaiting: true);
        slow.Say("agreement", 5, isWaiting: false);

        Assert.StartsWith("Rank 1 on b keeps 1 of 3 ranks waiting in 'gradients' of step 5", await notice.Task.WaitAsync(s_patience), StringComparison.Ordinal);
        Assert.False(lost.Task.IsCompleted);

        // Says who it is, and then nothing any more.
        using Socket silent = Greet(hub, rank: 2, RankChannelAnswer);
        RankLoss loss = await lost.Task.WaitAsync(s_patience);
        Assert.Equal((2, "c"), (loss.Rank, loss.Host));
        Assert.Contains("has not been heard of for 1 s", loss.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_does_not_know_the_token_is_no_rank()
    {
        RankLink first = Connect(0);
        using Socket stranger = Greet(_hub, rank: 1, (_, challenge, rank) => RankChannel.Answer("another", challenge, rank));

        Assert.Equal(0, await stranger.ReceiveAsync(new byte[1]).WaitAsync(s_patience));
        Connect(1).Dispose();
        Assert.Equal(1, (await _lost.Task.WaitAsync(s_patience)).Rank);
        Assert.NotNull(first);
    }

    [Fact]
    public async Task A_rank_that_ends_with_an_error_ends_all_with_its_exit_code_and_words()
    {
        RankLink first = Connect(0);
        RankLink second = Connect(1);
        second.Leave((int)ExitCode.Data, "The sample 'x' can't be read.");
        await Until(() => first.Loss is not null);

        RankLostException thrown = Assert.Throws<RankLostException>(() => first.ThrowIfLost(default));
        Assert.Equal((ExitCode.Data, "Rank 1 on host1: The sample 'x' can't be read."), (thrown.ExitCode, thrown.Message));
    }

    [Fact]
    public async Task Ranks_that_leave_in_order_are_not_lost()
    {
        RankLink first = Connect(0);
        RankLink second = Connect(1);
        first.Say("training", 1, isWaiting: false);
        await Until(() => _hub.HasBegun);
        second.Leave(75);
        first.Leave(75);
        _hub.WaitForEnd(s_patience);
        second.Dispose();
        first.Dispose();

        await Until(() => _hub.HasLeft(0) && _hub.HasLeft(1));
        Assert.Equal([75, 75], _hub.ExitCodes);
        Assert.False(_lost.Task.IsCompleted);
    }

    [Fact]
    public async Task A_stop_reaches_ranks_that_come_later_and_the_end_of_the_launcher_is_one()
    {
        TaskCompletionSource<string> early = new(TaskCreationOptions.RunContinuationsAsynchronously), late = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RankLink first = Connect(0);
        first.Report(reason => early.TrySetResult(reason), () => { }, _ => { });
        _hub.Stop("SIGTERM");
        RankLink second = Connect(1);
        second.Report(reason => late.TrySetResult(reason), () => { }, _ => { });

        Assert.Equal("SIGTERM", await early.Task.WaitAsync(s_patience));
        Assert.Equal("SIGTERM", await late.Task.WaitAsync(s_patience));
    }

    [Fact]
    public async Task Without_its_launcher_a_rank_is_asked_to_stop()
    {
        TaskCompletionSource<string> stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RankLink first = Connect(0);
        first.Report(reason => stop.TrySetResult(reason), () => { }, _ => { });
        _hub.Dispose();

        Assert.StartsWith("the launcher on launcher is gone", await stop.Task.WaitAsync(s_patience), StringComparison.Ordinal);
    }

    [Fact]
    public void A_hub_that_is_not_there_is_told_in_a_sentence()
    {
        RunException refused = Assert.Throws<RunException>(() => RankLink.Connect(["127.0.0.1:1"], "token", 3, "gpu02", -1, "gpu01"));

        Assert.Equal(("RankHubNotReached", ExitCode.Configuration), (refused.ErrorId, refused.ExitCode));
        Assert.StartsWith("Rank 3 on gpu02 can't reach the launcher on gpu01 (127.0.0.1:1: ", refused.Message, StringComparison.Ordinal);
    }

    private static string RankChannelAnswer(RankHub hub, string challenge, int rank) => RankChannel.Answer(hub.Token, challenge, rank);

    private static Socket Greet(RankHub hub, int rank, Func<RankHub, string, int, string> answer)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPEndPoint.Parse(hub.Addresses[0]));
        RankChannel channel = new(socket);
        List<RankMessage> messages = [];
        Assert.True(channel.TryRead(messages));
        Assert.True(channel.TryWrite(new RankMessage(RankMessageKind.Hello, rank) { Proof = answer(hub, messages[0].Proof!, rank) }));
        return socket;
    }

    private RankHub Open(TimeSpan timeout)
    {
        RankHub hub = new(["host0", "host1"], timeout, s_patience, isLocal: true);
        hub.Lost += loss => _lost.TrySetResult(loss);
        hub.Start();
        _opened.Add(hub);
        return hub;
    }

    private RankLink Connect(int rank)
    {
        RankLink link = RankLink.Connect(_hub.Addresses, _hub.Token, rank, $"host{rank}", -1, "launcher");
        _opened.Add(link);
        return link;
    }

    private string Seen(int rank) => _hub.PhaseOf(rank);

    private static async Task Until(Func<bool> isSo)
    {
        for (DateTime limit = DateTime.UtcNow + s_patience; !isSo(); await Task.Delay(10))
            Assert.True(DateTime.UtcNow < limit, "It has not come to be in time.");
    }
}
