using System.Collections.Concurrent;
using RobustTrain.Training.Checkpoints.Digests;

namespace RobustTrain.Tests.Training;

public sealed class SharedWorkTests
{
    [Theory]
    [InlineData(0, 4)]
    [InlineData(1, 1)]
    [InlineData(1000, 4)]
    public void Every_item_is_done_once(int items, int threads)
    {
        int[] done = new int[items];
        SharedWork.Run(items, threads, () => new MemoryStream(), (item, _) => Interlocked.Increment(ref done[item]));
        Assert.All(done, times => Assert.Equal(1, times));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_an_item_throws_in_whichever_thread_is_thrown_and_what_the_threads_took_is_given_back(bool inCaller)
    {
        Thread caller = Thread.CurrentThread;
        var taken = new ConcurrentBag<MemoryStream>();
        using var both = new Barrier(2);
        IOException refused = Assert.Throws<IOException>(() => SharedWork.Run(2, 2, Take, (_, _) =>
        {
            // So that each thread has one.
            both.SignalAndWait();
            if (Thread.CurrentThread == caller == inCaller)
                throw new IOException("the disk refuses");
        }));
        Assert.Equal("the disk refuses", refused.Message);
        Assert.Equal(2, taken.Count);
        Assert.All(taken, one => Assert.False(one.CanWrite));

        MemoryStream Take()
        {
            var one = new MemoryStream();
            taken.Add(one);
            return one;
        }
    }
}
