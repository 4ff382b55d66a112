using System.Runtime.InteropServices;
using RobustTrain.Training.Distributed;

namespace RobustTrain.Tests.Training.Distributed;

/// <summary>
/// Ranks that are threads of this process. What one sends is copied when it begins, so that nobody's memory is waited for. One computes at a time,
/// as one process would: torch's generator, and what TorchSharp leaves to finalizers, are the process's.
/// </summary>
internal sealed class ThreadRanks(int size)
{
    // Far more than any machine needs: so that a test ends where a rank makes a call that the others don't.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Dictionary<long, Meeting> _meetings = [];
    private volatile string? _lost;

    /// <summary>What all ranks were asked to end with.</summary>
    public int? AbortedWith { get; private set; }

    /// <summary>Runs something at each rank, each on a thread of its own.</summary>
    /// <returns>What each gave.</returns>
    /// <exception cref="AggregateException">One threw; each rank's exception, in the ranks' order where all threw.</exception>
    public IReadOnlyList<T> Run<T>(Func<ICommunicator, T> work)
    {
        T[] results = new T[size];
        Exception?[] failures = new Exception?[size];
        Thread[] threads = [.. Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            _turn.Wait();
            try
            {
                results[rank] = work(new Member(this, rank));
            }
            catch (Exception failed)
            {
                failures[rank] = failed;
                Lose($"rank {rank}: {failed}");
            }
            finally
            {
                _turn.Release();
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        return failures.OfType<Exception>().Any() ? throw new AggregateException(failures.OfType<Exception>()) : results;
    }

    private void Lose(string reason)
    {
        _lost ??= reason;
        lock (_lock)
        {
            foreach (Meeting meeting in _meetings.Values)
                meeting.All.Set();
        }
    }

    private Meeting MeetingOf(long number)
    {
        lock (_lock)
        {
            if (!_meetings.TryGetValue(number, out Meeting? meeting))
                _meetings.Add(number, meeting = new Meeting(size));
            if (_lost is not null)
                meeting.All.Set();
            return meeting;
        }
    }

    /// <summary>What each rank brings to one collective: a part for each rank.</summary>
    private sealed class Meeting(int size)
    {
        private int _left = size;

        public byte[][]?[] Parts { get; } = new byte[size][][];

        public string?[] Purposes { get; } = new string?[size];

        public ManualResetEventSlim All { get; } = new();

        public void Bring(int rank, byte[][] parts, string purpose)
        {
            (Parts[rank], Purposes[rank]) = (parts, purpose);
            if (Interlocked.Decrement(ref _left) == 0)
                All.Set();
        }
    }

    private sealed class Member(ThreadRanks ranks, int rank) : ICommunicator
    {
        private long _next;

        public int Rank => rank;

        public int Size => ranks.Size;

        public ICollective BeginExchange(nint send, IReadOnlyList<long> sendBytes, nint receive, IReadOnlyList<long> receiveBytes, CollectivePurpose purpose)
        {
            List<byte[]> parts = [];
            nint at = send;
            foreach (long bytes in sendBytes)
            {
                parts.Add(Copy(at, bytes));
                at += (nint)bytes;
            }

            return Begin([.. parts], receive, receiveBytes, purpose);
        }

        public ICollective BeginGather(nint send, long sendBytes, nint receive, IReadOnlyList<long> receiveBytes, CollectivePurpose purpose)
        {
            Assert.Equal(sendBytes, receiveBytes[rank]);
            byte[] part = Copy(send, sendBytes);
            return Begin([.. Enumerable.Repeat(part, Size)], receive, receiveBytes, purpose);
        }

        public ICollective BeginBroadcast(nint memory, long bytes, int root, CollectivePurpose purpose)
        {
            byte[] part = rank == root ? Copy(memory, bytes) : [];
            return Begin([.. Enumerable.Repeat(part, Size)], memory, [.. Enumerable.Range(0, Size).Select(each => each == root ? bytes : 0)], purpose);
        }

        public void Barrier(CollectivePurpose purpose) => Begin([.. Enumerable.Repeat<byte[]>([], Size)], 0, [.. Enumerable.Repeat(0L, Size)], purpose).Wait();

        public void Abort(int exitCode)
        {
            ranks.AbortedWith = exitCode;
            ranks.Lose($"rank {rank} ended all with {exitCode}");
        }

        public void Dispose()
        {
        }

        private static byte[] Copy(nint address, long bytes)
        {
            byte[] copy = new byte[bytes];
            if (bytes > 0)
                Marshal.Copy(address, copy, 0, copy.Length);
            return copy;
        }

        private Work Begin(byte[][] parts, nint receive, IReadOnlyList<long> bytes, CollectivePurpose purpose)
        {
            long number = _next++;
            Meeting meeting = ranks.MeetingOf(number);
            meeting.Bring(rank, parts, purpose.ToString());
            return new Work(() =>
            {
                ranks._turn.Release();
                bool isThere = meeting.All.Wait(s_patience);
                ranks._turn.Wait();
                if (!isThere || (ranks._lost is not null && meeting.Purposes.Contains(null)))
                    throw new RankLostException($"{purpose} of rank {rank}: {ranks._lost ?? "others did not come"}", rank: -1, host: null, purpose);
                Assert.True(meeting.Purposes.Distinct().Count() == 1, $"The ranks are not at the same place: {string.Join("; ", meeting.Purposes)}.");
                nint at = receive;
                for (int from = 0; from < Size; from++)
                {
                    byte[] part = meeting.Parts[from]![rank];
                    if (from == rank && bytes[from] == 0)
                        continue;
                    Assert.Equal(bytes[from], part.Length);
                    if (part.Length > 0)
                        Marshal.Copy(part, 0, at, part.Length);
                    at += part.Length;
                }
            });
        }
    }

    private int Size => size;

    private sealed class Work(Action wait) : ICollective
    {
        private bool _done;

        public void Wait()
        {
            Assert.False(_done, "A collective is waited for once.");
            _done = true;
            wait();
        }
    }
}
