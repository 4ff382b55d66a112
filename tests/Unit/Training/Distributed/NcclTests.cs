using System.Runtime.InteropServices;
using RobustTrain.Runs;
using RobustTrain.Tests.Host;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Distributed.Nccl;
using RobustTrain.Training.Native;

namespace RobustTrain.Tests.Training.Distributed;

/// <summary>Exchanges through NCCL's calls, of which tests/nccl-stub is the stand-in: its ranks are threads, and their devices' memory is the host's. No GPU has run this yet.</summary>
public sealed unsafe class NcclTests
{
    private const string Reason = "Its NCCL is a stub that is compiled for Linux.";

    private static readonly Lazy<string> s_stub = new(() => PreloadedStub.Build("nccl-stub"));

    [LinuxFact(Reason)]
    public void Parts_of_any_length_arrive_at_their_ranks_and_nothing_stays_behind()
    {
        NcclLibrary nccl = NcclLibrary.Load(s_stub.Value);
        int before = Alive();
        OnThreads(3, host =>
        {
            using OwnStream stream = new();
            using NcclCommunicator ranks = new(nccl, host, stream, link: null);
            for (int round = 0; round < 5; round++)
            {
                byte Content(int from, int to, long at) => (byte)(from * 31 + to * 17 + at * 7 + round);
                long Length(int from, int to) => (from + to + round) % 3 == 0 ? 0 : from * 100 + to * 10 + 1;
                long[] sent = [.. Enumerable.Range(0, 3).Select(to => Length(ranks.Rank, to))], received = [.. Enumerable.Range(0, 3).Select(from => Length(from, ranks.Rank))];
                byte[] send = [.. Enumerable.Range(0, 3).SelectMany(to => Enumerable.Range(0, (int)sent[to]).Select(at => Content(ranks.Rank, to, at)))];
                byte[] receive = new byte[received.Sum()];
                long[] lengths = [.. Enumerable.Range(0, 3).Select(rank => Length(rank, 0))];
                byte[] mine = [.. Enumerable.Range(0, (int)lengths[ranks.Rank]).Select(at => Content(ranks.Rank, 0, at))];
                byte[] all = new byte[lengths.Sum()];
                byte[] told = ranks.Rank == 1 ? [1, 2, 3] : new byte[3];
                fixed (byte* s = send, r = receive, m = mine, a = all, t = told)
                {
                    ICollective exchange = ranks.BeginExchange((nint)s, sent, (nint)r, received, new CollectivePurpose("exchange", round));
                    ICollective gather = ranks.BeginGather((nint)m, mine.Length, (nint)a, lengths, new CollectivePurpose("gather", round));
                    ICollective broadcast = ranks.BeginBroadcast((nint)t, told.Length, 1, new CollectivePurpose("broadcast", round));
                    exchange.Wait();
                    gather.Wait();
                    broadcast.Wait();
                }

                Assert.Equal(Enumerable.Range(0, 3).SelectMany(from => Enumerable.Range(0, (int)received[from]).Select(at => Content(from, ranks.Rank, at))), receive);
                Assert.Equal(Enumerable.Range(0, 3).SelectMany(from => Enumerable.Range(0, (int)lengths[from]).Select(at => Content(from, 0, at))), all);
                Assert.Equal([1, 2, 3], told);
                ranks.Barrier(new CollectivePurpose("barrier", round));
            }
        });

        Assert.Equal(before, Alive());
    }

    [LinuxFact(Reason)]
    public void What_goes_wrong_meanwhile_is_told_with_what_it_was_for()
    {
        NcclLibrary nccl = NcclLibrary.Load(s_stub.Value);
        OnThreads(1, host =>
        {
            using OwnStream stream = new() { IsStuck = true };
            using NcclCommunicator ranks = new(nccl, host, stream, link: null);
            ICollective work = ranks.BeginBroadcast(1, 0, 0, new CollectivePurpose("gradients", 7));
            Fail(6);
            try
            {
                RunException failed = Assert.Throws<RunException>(work.Wait);
                Assert.Equal($"NCCL ({s_stub.Value}) could not complete 'gradients' of step 7: remote process exited or there was a network error.", failed.Message);
            }
            finally
            {
                Fail(0);
            }
        });
    }

    [LinuxFact(Reason)]
    public void A_library_that_is_no_nccl_is_refused()
    {
        string other = PreloadedStub.Build("memory-stub");

        Assert.Equal($"'{other}' is no NCCL that this program can use (2.7 or newer): it has no ncclGetUniqueId.", Assert.Throws<RunException>(() => NcclLibrary.Load(other)).Message);
        Assert.False(NcclLibrary.TryLoad("/nowhere", out _) && !File.Exists("/usr/lib/x86_64-linux-gnu/libnccl.so.2"));
    }

    private static int Alive() => ((delegate* unmanaged<int>)NativeLibrary.GetExport(NativeLibrary.Load(s_stub.Value), "stub_alive"))();

    private static void Fail(int error) => ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(NativeLibrary.Load(s_stub.Value), "stub_fail"))(error);

    private static void OnThreads(int size, Action<ICommunicator> work)
    {
        using Barrier barrier = new(size);
        nint[] told = new nint[1];
        Exception?[] failures = new Exception?[size];
        Thread[] threads = [.. Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                work(new ThreadRank(rank, size, barrier, told));
            }
            catch (Exception failed)
            {
                failures[rank] = failed;
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => Assert.True(thread.Join(TimeSpan.FromMinutes(5))));
        Assert.Empty(failures.OfType<Exception>());
    }

    /// <summary>Work is done when it was begun, or never.</summary>
    private sealed class OwnStream : IDeviceStream
    {
        public bool IsStuck { get; init; }

        public nint Handle { get; } = 0x5;

        public void AfterTorch(Action work) => work();

        public bool IsDone() => !IsStuck;

        public void Dispose()
        {
        }
    }

    private sealed class Done : ICollective
    {
        public void Wait()
        {
        }
    }

    /// <summary>A rank that is a thread, and can broadcast.</summary>
    private sealed class ThreadRank(int rank, int size, Barrier barrier, nint[] told) : ICommunicator
    {
        public int Rank => rank;

        public int Size => size;

        public ICollective BeginBroadcast(nint memory, long bytes, int root, CollectivePurpose purpose)
        {
            if (rank == root)
                told[0] = memory;
            barrier.SignalAndWait();
            if (rank != root)
                Buffer.MemoryCopy((void*)told[0], (void*)memory, bytes, bytes);
            barrier.SignalAndWait();
            return new Done();
        }

        public void Barrier(CollectivePurpose purpose) => barrier.SignalAndWait();

        public ICollective BeginExchange(nint send, IReadOnlyList<long> sendBytes, nint receive, IReadOnlyList<long> receiveBytes, CollectivePurpose purpose) => throw new NotSupportedException();

        public ICollective BeginGather(nint send, long sendBytes, nint receive, IReadOnlyList<long> receiveBytes, CollectivePurpose purpose) => throw new NotSupportedException();

        public void Abort(int exitCode) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
