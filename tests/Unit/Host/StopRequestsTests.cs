using System.IO.Pipes;
using System.Text;
using RobustTrain.Host.Jobs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

public sealed class StopRequestsTests
{
    private readonly SemaphoreSlim _stopped = new(0);
    private readonly SemaphoreSlim _checkpoints = new(0);
    private readonly Journal _journal = new();
    private readonly StopRequests _requests;

    public StopRequestsTests() => _requests = new StopRequests(() => _stopped.Release(), () => _checkpoints.Release());

    [Fact]
    public void The_first_request_to_stop_counts_and_is_told_to_the_journal()
    {
        _requests.ReportTo(_journal);

        Assert.True(_requests.Stop("SIGTERM"));
        Assert.False(_requests.Stop("SIGINT"));

        Assert.Equal(1, _stopped.CurrentCount);
        Assert.Equal("SIGTERM", _requests.Reason);
        Assert.Equal("SIGTERM", Assert.IsType<StopRequested>(Assert.Single(_journal.Events)).Reason);
    }

    [Fact]
    public void A_request_from_before_there_was_a_journal_is_told_to_it()
    {
        _requests.Stop("SIGTERM");
        _requests.ReportTo(_journal);

        Assert.IsType<StopRequested>(Assert.Single(_journal.Events));
    }

    [Fact]
    public async Task The_life_line_takes_commands_and_its_end_stops()
    {
        _requests.ReportTo(_journal);
        using AnonymousPipeServerStream parent = new(PipeDirection.Out);
        using AnonymousPipeClientStream input = new(PipeDirection.In, parent.ClientSafePipeHandle);
        LifeLine.Hold(input, _requests);

        parent.Write("checkpoint\nwhat\n"u8);
        Assert.True(await _checkpoints.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(0, _stopped.CurrentCount);
        parent.Dispose();

        Assert.True(await _stopped.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal("the process that started it is gone", _requests.Reason);
        Assert.Contains("'what'", Assert.Single(_journal.Events.OfType<RunWarning>()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_line_stop_stops_and_the_end_after_it_changes_nothing()
    {
        LifeLine.Hold(new MemoryStream(Encoding.UTF8.GetBytes("stop\n")), _requests);

        Assert.True(await _stopped.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal("stop on standard input", _requests.Reason);
    }

    private sealed class Journal : IRunJournal
    {
        private readonly List<RunEvent> _events = [];

        public IReadOnlyList<RunEvent> Events
        {
            get
            {
                lock (_events)
                    return [.. _events];
            }
        }

        public void Write(RunEvent runEvent)
        {
            lock (_events)
                _events.Add(runEvent);
        }
    }
}
