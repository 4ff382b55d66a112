using RobustTrain.Runs;
using RobustTrain.Training.Distributed.Liveness;
using RobustTrain.Training.Native;

namespace RobustTrain.Training.Distributed.Nccl;

/// <summary>The same ranks over the memory of their GPUs. It has been tested against a stub of NCCL, and has never run on a GPU.</summary>
/// <remarks>All work goes on a stream beside torch's, which it waits for; whoever waits asks the stream, so that a lost rank is noticed.</remarks>
internal sealed unsafe class NcclCommunicator : ICommunicator
{
    private static readonly CollectivePurpose s_joining = new("joining the GPUs", 0);

    private readonly NcclLibrary _nccl;
    private readonly ICommunicator _host;
    private readonly IDeviceStream _stream;
    private readonly RankLink? _link;
    private nint _communicator;

    /// <summary>Joins the GPUs of ranks that are joined over their hosts already.</summary>
    /// <param name="nccl">The library.</param>
    /// <param name="host">Joins the hosts.</param>
    /// <param name="stream">Where to work; disposed of with this.</param>
    /// <param name="link">Knows of lost ranks; null where nobody does.</param>
    /// <exception cref="RunException">NCCL refuses.</exception>
    public NcclCommunicator(NcclLibrary nccl, ICommunicator host, IDeviceStream stream, RankLink? link)
    {
        _nccl = nccl;
        _host = host;
        _stream = stream;
        _link = link;
        NcclLibrary.UniqueId id = ShareId();
        stream.AfterTorch(() => _communicator = Join(id));
    }

    /// <inheritdoc/>
    public int Rank => _host.Rank;

    /// <inheritdoc/>
    public int Size => _host.Size;

    /// <inheritdoc/>
    public ICollective BeginExchange(nint send, IReadOnlyList<long> sendBytes, nint receive, IReadOnlyList<long> receiveBytes, CollectivePurpose purpose) => Begin(purpose, () =>
    {
        long sendAt = 0, receiveAt = 0;
        for (int rank = 0; rank < Size; rank++)
        {
            if (rank != Rank || receiveBytes[rank] > 0)
            {
                Send(send + (nint)sendAt, sendBytes[rank], rank);
                Receive(receive + (nint)receiveAt, receiveBytes[rank], rank);
            }

            sendAt += sendBytes[rank];
            receiveAt += receiveBytes[rank];
        }
    });

    /// <inheritdoc/>
    /// <remarks>NCCL's own all-gather wants parts of one length.</remarks>
    public ICollective BeginGather(nint send, long sendBytes, nint receive, IReadOnlyList<long> receiveBytes, CollectivePurpose purpose) => Begin(purpose, () =>
    {
        long receiveAt = 0;
        for (int rank = 0; rank < Size; rank++)
        {
            if (rank != Rank || send != receive + (nint)receiveAt)
            {
                Send(send, sendBytes, rank);
                Receive(receive + (nint)receiveAt, receiveBytes[rank], rank);
            }

            receiveAt += receiveBytes[rank];
        }
    });

    /// <inheritdoc/>
    public ICollective BeginBroadcast(nint memory, long bytes, int root, CollectivePurpose purpose) => Begin(purpose, () =>
    {
        if (bytes > 0)
            _nccl.Check(_nccl.Broadcast(memory, memory, (nuint)bytes, NcclLibrary.Bytes, root, _communicator, _stream.Handle), "broadcast");
    });

    /// <inheritdoc/>
    public void Barrier(CollectivePurpose purpose) => _host.Barrier(purpose);

    /// <inheritdoc/>
    public void Abort(int exitCode)
    {
        End(_nccl.Abort);
        _host.Abort(exitCode);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        End(_link?.Loss is null ? _nccl.Destroy : _nccl.Abort);
        _stream.Dispose();
    }

    private NcclLibrary.UniqueId ShareId()
    {
        NcclLibrary.UniqueId id = default;
        if (Rank == 0)
            _nccl.Check(_nccl.GetUniqueId(&id), "make an id");
        _host.BeginBroadcast((nint)(&id), NcclLibrary.UniqueId.Length, root: 0, s_joining).Wait();
        return id;
    }

    private nint Join(NcclLibrary.UniqueId id)
    {
        nint communicator = 0;
        _nccl.Check(_nccl.Join(&communicator, Size, id, Rank), "join the GPUs");
        return communicator;
    }

    private void End(delegate* unmanaged<nint, int> end)
    {
        if (Interlocked.Exchange(ref _communicator, 0) is var communicator and not 0)
            end(communicator);
    }

    private void Send(nint memory, long bytes, int rank)
    {
        if (bytes > 0)
            _nccl.Check(_nccl.Send(memory, (nuint)bytes, NcclLibrary.Bytes, rank, _communicator, _stream.Handle), "send");
    }

    private void Receive(nint memory, long bytes, int rank)
    {
        if (bytes > 0)
            _nccl.Check(_nccl.Receive(memory, (nuint)bytes, NcclLibrary.Bytes, rank, _communicator, _stream.Handle), "receive");
    }

    private Work Begin(CollectivePurpose purpose, Action calls)
    {
        _stream.AfterTorch(() =>
        {
            _nccl.Check(_nccl.GroupStart(), "begin");
            calls();
            _nccl.Check(_nccl.GroupEnd(), "begin the exchange");
        });
        return new Work(this, purpose);
    }

    private sealed class Work(NcclCommunicator owner, CollectivePurpose purpose) : ICollective
    {
        public void Wait()
        {
            owner._link?.Say(purpose.Name, purpose.Step, isWaiting: true);
            CollectivePause pause = new(bytes: 0);
            try
            {
                while (!owner._stream.IsDone())
                {
                    owner._link?.ThrowIfLost(purpose);
                    CheckMeanwhile();
                    pause.Once();
                }
            }
            catch (RankLostException)
            {
                // The GPU waits for the lost rank, too.
                owner.End(owner._nccl.Abort);
                throw;
            }

            owner._link?.Say(purpose.Name, purpose.Step, isWaiting: false);
        }

        private void CheckMeanwhile()
        {
            int error = 0;
            owner._nccl.Check(owner._nccl.AsyncError(owner._communicator, &error), "tell how it goes");
            owner._nccl.Check(error, $"complete '{purpose.Name}' of step {purpose.Step}");
        }
    }
}
