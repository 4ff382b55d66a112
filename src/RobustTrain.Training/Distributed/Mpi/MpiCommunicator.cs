using System.Diagnostics;
using System.Globalization;
using RobustTrain.Runs;
using RobustTrain.Training.Distributed.Liveness;

namespace RobustTrain.Training.Distributed.Mpi;

/// <summary>The ranks that MPI has started, over memory of the host.</summary>
/// <remarks>
/// Nothing here blocks in MPI: it is asked again and again whether a collective is done, so that a rank that is lost is noticed, which
/// MPI itself would never tell. Parts go from rank to rank, in pieces, since MPI counts in 32 bits.
/// </remarks>
internal sealed unsafe class MpiCommunicator : ICommunicator
{
    private const int LongestPiece = 1 << 30;

    // What the hub may take to name the rank whose loss MPI's transport has noticed first.
    private static readonly TimeSpan s_namingTime = TimeSpan.FromSeconds(30);

    private readonly MpiLibrary _mpi;
    private readonly Lock _gate = new();
    private RankLink? _link;
    private bool _isBroken;
    private bool _isFinished;

    private MpiCommunicator(MpiLibrary mpi, int rank, int size)
    {
        _mpi = mpi;
        Rank = rank;
        Size = size;
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <summary>Joins the ranks; returns once all have come.</summary>
    /// <param name="mpi">The library.</param>
    /// <exception cref="RunException">MPI refuses.</exception>
    public static MpiCommunicator Join(MpiLibrary mpi)
    {
        int level = 0;
        Check(mpi, mpi.InitThread(0, 0, MpiLibrary.Serialized, &level), "be initialised");
        if (level < MpiLibrary.Serialized)
            throw new RunException(ExitCode.Configuration, "MpiNotUsable", $"{mpi.Version} ({mpi.Path}) was built without threads (level {level}), which this program needs.", mpi.Path);
        Check(mpi, mpi.SetErrorHandler(MpiLibrary.World, MpiLibrary.ErrorsReturn), "return its errors");
        int rank = 0, size = 0;
        Check(mpi, mpi.Rank(MpiLibrary.World, &rank), "tell the rank");
        Check(mpi, mpi.Size(MpiLibrary.World, &size), "tell how many ranks there are");
        return new MpiCommunicator(mpi, rank, size);
    }

    /// <summary>Names who knows of lost ranks; before, none is noticed.</summary>
    public void Watch(RankLink link) => _link = link;

    /// <inheritdoc/>
    public ICollective BeginExchange(nint send, IReadOnlyList<long> sendBytes, nint receive, IReadOnlyList<long> receiveBytes, CollectivePurpose purpose)
    {
        Requests requests = new(this, purpose);
        long sendAt = 0, receiveAt = 0;
        for (int rank = 0; rank < Size; rank++)
        {
            if (rank == Rank)
            {
                Copy(send + (nint)sendAt, receive + (nint)receiveAt, receiveBytes[rank]);
            }
            else
            {
                requests.Receive(receive + (nint)receiveAt, receiveBytes[rank], rank);
            }

            sendAt += sendBytes[rank];
            receiveAt += receiveBytes[rank];
        }

        sendAt = 0;
        for (int rank = 0; rank < Size; rank++)
        {
            if (rank != Rank)
                requests.Send(send + (nint)sendAt, sendBytes[rank], rank);
            sendAt += sendBytes[rank];
        }

        return requests;
    }

    /// <inheritdoc/>
    public ICollective BeginGather(nint send, long sendBytes, nint receive, IReadOnlyList<long> receiveBytes, CollectivePurpose purpose)
    {
        Requests requests = new(this, purpose);
        long receiveAt = 0;
        for (int rank = 0; rank < Size; rank++)
        {
            if (rank == Rank)
                Copy(send, receive + (nint)receiveAt, sendBytes);
            else
                requests.Receive(receive + (nint)receiveAt, receiveBytes[rank], rank);
            receiveAt += receiveBytes[rank];
        }

        for (int rank = 0; rank < Size; rank++)
        {
            if (rank != Rank)
                requests.Send(send, sendBytes, rank);
        }

        return requests;
    }

    /// <inheritdoc/>
    public ICollective BeginBroadcast(nint memory, long bytes, int root, CollectivePurpose purpose)
    {
        Requests requests = new(this, purpose);
        requests.Broadcast(memory, bytes, root);
        return requests;
    }

    /// <inheritdoc/>
    public void Barrier(CollectivePurpose purpose)
    {
        Requests requests = new(this, purpose);
        requests.Barrier();
        requests.Wait();
    }

    /// <inheritdoc/>
    public void Abort(int exitCode)
    {
        _isBroken = true;
        if (_link is null)
        {
            lock (_gate)
                _mpi.Abort(MpiLibrary.World, exitCode);
        }
        else
        {
            _link.Leave(exitCode);
        }
    }

    /// <summary>Leaves the ranks, which waits for all; after a loss nothing is waited for.</summary>
    public void Dispose()
    {
        if (_isBroken || _isFinished)
            return;
        _isFinished = true;
        lock (_gate)
            _mpi.Finish();
    }

    private static void Copy(nint source, nint target, long bytes)
    {
        if (source != target && bytes > 0)
            Buffer.MemoryCopy((void*)source, (void*)target, bytes, bytes);
    }

    private static void Check(MpiLibrary mpi, int error, string what)
    {
        if (error != 0)
            throw new RunException(ExitCode.Unexpected, "MpiFailed", $"{mpi.Version} could not {what}: {mpi.Describe(error)}", mpi.Path);
    }

    /// <summary>Requests of one collective.</summary>
    private sealed class Requests(MpiCommunicator owner, CollectivePurpose purpose) : ICollective
    {
        private int[] _handles = new int[2 * owner.Size];
        private int _count;
        private long _bytes;

        public void Receive(nint memory, long bytes, int rank) => InPieces(memory, bytes, (piece, count) => Add(handle => owner._mpi.Receive(piece, count, MpiLibrary.Bytes, rank, 0, MpiLibrary.World, (int*)handle)));

        public void Send(nint memory, long bytes, int rank) => InPieces(memory, bytes, (piece, count) => Add(handle => owner._mpi.Send(piece, count, MpiLibrary.Bytes, rank, 0, MpiLibrary.World, (int*)handle)));

        public void Broadcast(nint memory, long bytes, int root) => InPieces(memory, bytes, (piece, count) => Add(handle => owner._mpi.Broadcast(piece, count, MpiLibrary.Bytes, root, MpiLibrary.World, (int*)handle)));

        public void Barrier() => Add(handle => owner._mpi.Barrier(MpiLibrary.World, (int*)handle));

        public void Wait()
        {
            RankLink? link = owner._link;
            link?.Say(purpose.Name, purpose.Step, isWaiting: true);
            CollectivePause pause = new(_bytes);
            try
            {
                while (!IsDone())
                {
                    link?.ThrowIfLost(purpose);
                    pause.Once();
                }
            }
            catch (RankLostException)
            {
                owner._isBroken = true;
                throw;
            }

            link?.Say(purpose.Name, purpose.Step, isWaiting: false);
        }

        private void InPieces(nint memory, long bytes, Action<nint, int> begin)
        {
            _bytes += bytes;
            for (long done = 0; done < bytes; done += LongestPiece)
                begin(memory + (nint)done, (int)Math.Min(LongestPiece, bytes - done));
        }

        private void Add(Func<nint, int> begin)
        {
            if (_count == _handles.Length)
                Array.Resize(ref _handles, 2 * _count);
            int handle = 0;
            lock (owner._gate)
                Check(begin((nint)(&handle)));
            _handles[_count++] = handle;
        }

        private bool IsDone()
        {
            int done = 0;
            fixed (int* handles = _handles)
            {
                lock (owner._gate)
                    Check(owner._mpi.TestAll(_count, handles, &done, MpiLibrary.IgnoreStatuses));
            }

            return done != 0;
        }

        // A transport that has noticed a loss itself says so in its own words, before the hub has named the rank.
        private void Check(int error)
        {
            if (error == 0)
                return;
            owner._isBroken = true;
            string reason = owner._mpi.Describe(error);
            for (long began = Stopwatch.GetTimestamp(); owner._link is not null && Stopwatch.GetElapsedTime(began) < s_namingTime; Thread.Sleep(10))
                owner._link.ThrowIfLost(purpose);
            throw new RunException(
                ExitCode.Unexpected, "MpiFailed",
                string.Create(CultureInfo.InvariantCulture, $"MPI failed in '{purpose.Name}' of step {purpose.Step} at rank {owner.Rank}: {reason}"));
        }
    }
}
