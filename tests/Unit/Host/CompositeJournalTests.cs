using RobustTrain.Host.Output;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

public sealed class CompositeJournalTests
{
    [Fact]
    public void All_takers_see_one_order_whichever_threads_write()
    {
        Taker first = new();
        Taker second = new();
        CompositeJournal journal = new(TimeProvider.System, [first, null, second]);

        Parallel.For(0, 4, thread =>
        {
            for (int number = 0; number < 200; number++)
                journal.Write(new RunWarning($"{thread}.{number}"));
        });

        Assert.Equal(800, first.Events.Count);
        Assert.Equal(first.Events, second.Events);
        Assert.Equal(first.Events.Select(runEvent => runEvent.Time).Order(), first.Events.Select(runEvent => runEvent.Time));
    }

    private sealed class Taker : IRunJournal
    {
        public List<RunEvent> Events { get; } = [];

        public void Write(RunEvent runEvent)
        {
            lock (Events)
                Events.Add(runEvent);
            Thread.Yield();
        }
    }
}
