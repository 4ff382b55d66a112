namespace RobustTrain.Training.Distributed;

/// <summary>
/// The ranks of one run, and what they say to each other. All ranks make the same calls in the same order.
/// </summary>
/// <remarks>
/// Memory is the host's for MPI and the device's for NCCL, and must stay where it is until the work is waited for.
/// A collective that is begun is waited for exactly once. Parts of zero bytes are allowed.
/// </remarks>
public interface ICommunicator : IDisposable
{
    /// <summary>This process among the run's, from 0.</summary>
    int Rank { get; }

    /// <summary>How many ranks the run has.</summary>
    int Size { get; }

    /// <summary>
    /// Each rank gives every rank its own part: what this rank sends to rank i arrives there at the place of this rank.
    /// </summary>
    /// <param name="send">The parts for rank 0, 1, … one behind the other.</param>
    /// <param name="sendBytes">The bytes of each part, for each rank.</param>
    /// <param name="receive">Where the parts of rank 0, 1, … arrive, one behind the other.</param>
    /// <param name="receiveBytes">The bytes that each rank sends here; 0 for this rank itself leaves its own part where it is.</param>
    /// <param name="purpose">What it is for, so that a rank that is lost meanwhile can be named with it.</param>
    ICollective BeginExchange(
        nint send,
        IReadOnlyList<long> sendBytes,
        nint receive,
        IReadOnlyList<long> receiveBytes,
        CollectivePurpose purpose);

    /// <summary>Each rank's part, at all ranks, one behind the other in the ranks' order.</summary>
    /// <param name="send">This rank's part; it may lie at its place in <paramref name="receive"/>.</param>
    /// <param name="sendBytes">Its bytes: the same as <paramref name="receiveBytes"/> says for this rank.</param>
    /// <param name="receive">Where all parts arrive.</param>
    /// <param name="receiveBytes">The bytes of each rank's part, the same at all ranks.</param>
    /// <param name="purpose">What it is for.</param>
    ICollective BeginGather(
        nint send,
        long sendBytes,
        nint receive,
        IReadOnlyList<long> receiveBytes,
        CollectivePurpose purpose);

    /// <summary>What rank <paramref name="root"/> has, at all ranks.</summary>
    ICollective BeginBroadcast(nint memory, long bytes, int root, CollectivePurpose purpose);

    /// <summary>Waits until every rank has come here.</summary>
    /// <exception cref="RankLostException">A rank did not.</exception>
    void Barrier(CollectivePurpose purpose);

    /// <summary>Ends all ranks, with this exit code where their launcher can pass it on.</summary>
    void Abort(int exitCode);
}
