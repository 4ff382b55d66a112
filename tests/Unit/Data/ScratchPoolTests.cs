using RobustTrain.Data.Datasets;

namespace RobustTrain.Tests.Data;

public sealed class ScratchPoolTests
{
    [Fact]
    public void Threads_one_after_another_share_their_buffers()
    {
        using ScratchPool pool = new();
        HashSet<SampleScratch> seen = [];
        for (int number = 0; number < 20; number++)
        {
            Thread worker = new(() =>
            {
                using ScratchPool.Lease lease = pool.Rent();
                seen.Add(lease.Scratch);
            });
            worker.Start();
            worker.Join();
        }

        Assert.Single(seen);
    }

    [Fact]
    public void Threads_at_the_same_time_have_buffers_of_their_own()
    {
        using ScratchPool pool = new();
        using ScratchPool.Lease one = pool.Rent();
        using ScratchPool.Lease other = pool.Rent();

        Assert.NotSame(one.Scratch, other.Scratch);
    }

    [Fact]
    public void A_pool_that_is_disposed_lends_no_more_and_takes_back_what_it_lent()
    {
        ScratchPool pool = new();
        ScratchPool.Lease lease = pool.Rent();
        pool.Dispose();
        lease.Dispose();

        Assert.Throws<ObjectDisposedException>(() => pool.Rent());
    }
}
