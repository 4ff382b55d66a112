using RobustTrain.Runs.Events;
using RobustTrain.Tests.Training;

namespace RobustTrain.Tests.Runs;

public sealed class RetryingJournalTests
{
    [Fact]
    public void What_a_full_disk_refuses_is_written_in_order_once_it_can_be()
    {
        bool full = false;
        var inner = new RefusingJournal(() => full);
        var journal = new RetryingJournal(inner);
        journal.Write(new EpochStarted(0, 1));
        full = true;
        journal.Write(new StepFinished(0, 0, 0, 1, 1, 1, 0));
        journal.Write(new EpochStarted(1, 1));
        journal.Write(new EpochStarted(2, 1));
        full = false;
        journal.Write(new EpochStarted(3, 1));

        Assert.Equal([0, 1, 2, 3], inner.Events.OfType<EpochStarted>().Select(epoch => epoch.Epoch));
        Assert.Contains("could not be written for a while", Assert.Single(inner.Events.OfType<RunWarning>()).Message);
        Assert.Empty(inner.Events.OfType<StepFinished>());
        Assert.IsType<EpochStarted>(inner.Events[^1]);
    }

    [Fact]
    public void In_the_end_a_disk_that_still_refuses_is_no_longer_kept_quiet()
    {
        bool full = true;
        var inner = new RefusingJournal(() => full);
        var journal = new RetryingJournal(inner);
        journal.Write(new RunFinished("finished", 0, null, null));
        Assert.Throws<IOException>(journal.Complete);

        full = false;
        journal.Complete();
        Assert.IsType<RunFinished>(inner.Events[0]);
    }

    [Fact]
    public void What_is_no_matter_of_the_disk_is_not_hidden() =>
        Assert.Throws<InvalidOperationException>(() => new RetryingJournal(new MemoryJournal(_ => throw new InvalidOperationException())).Write(new EpochStarted(0, 1)));

    private sealed class RefusingJournal(Func<bool> isFull) : IRunJournal
    {
        public List<RunEvent> Events { get; } = [];

        public void Write(RunEvent runEvent)
        {
            if (isFull())
                throw new IOException("No space left on device", 28);
            Events.Add(runEvent);
        }
    }
}
