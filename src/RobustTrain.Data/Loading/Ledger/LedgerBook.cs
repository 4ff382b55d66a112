using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace RobustTrain.Data.Loading.Ledger;

/// <summary>Keeps the account of an epoch while it is delivered.</summary>
internal sealed class LedgerBook
{
    private readonly int _epoch;
    private readonly byte[] _digest = new byte[SHA256.HashSizeInBytes];
    private readonly List<LedgerEntry> _entries = [];
    private readonly Dictionary<string, int> _deliveredBefore = [];
    private int[]? _unsettled;
    private int _unsettledCount;
    private int _batches;
    private int _delivered;
    private int _retried;
    private int _quarantined;

    /// <summary>A new account, or one that goes on with a former one.</summary>
    public LedgerBook(int epoch, EpochLedger? former)
    {
        _epoch = epoch;
        if (former is null)
            return;
        if (former.Epoch != epoch)
            throw new ArgumentException($"The ledger is of epoch {former.Epoch}; expected {epoch}.", nameof(former));
        Convert.FromHexString(former.Digest).CopyTo(_digest, 0);
        _entries.AddRange(former.Entries);
        _deliveredBefore = new Dictionary<string, int>(former.DeliveredBy);
        (_batches, _delivered, _retried, _quarantined) = (former.Batches, former.Delivered, former.Retried, former.Quarantined);
        (Skipped, WorkerFailures) = (former.Skipped, former.WorkerFailures);
    }

    public int Skipped { get; private set; }

    public int WorkerFailures { get; set; }

    public IReadOnlyList<LedgerEntry> Entries => _entries;

    /// <summary>
    /// Counts a delivered batch. Its link of the digest waits for <see cref="Settle"/>: loading the library that computes it takes as long as
    /// some hundred batches, for which the first should not have to wait.
    /// </summary>
    /// <param name="indices">Begins with the samples, which stay unchanged until then.</param>
    /// <param name="count">How many they are.</param>
    public void Deliver(int[] indices, int count)
    {
        Settle();
        (_unsettled, _unsettledCount) = (indices, count);
        _batches++;
        _delivered += count;
    }

    /// <summary>Chains what was delivered last to the digest.</summary>
    public void Settle()
    {
        if (_unsettled is not int[] indices)
            return;
        _unsettled = null;
        Chain(_digest, indices.AsSpan(0, _unsettledCount));
    }

    /// <summary>Makes of a digest the next link of its chain.</summary>
    public static void Chain(byte[] digest, ReadOnlySpan<int> indices)
    {
        int bytes = digest.Length + (indices.Length * sizeof(int));
        byte[] link = ArrayPool<byte>.Shared.Rent(bytes);
        digest.CopyTo(link, 0);
        MemoryMarshal.AsBytes(indices).CopyTo(link.AsSpan(digest.Length));
        SHA256.HashData(link.AsSpan(0, bytes), digest);
        ArrayPool<byte>.Shared.Return(link);
    }

    public void Add(LedgerEntry entry)
    {
        _entries.Add(entry);
        switch (entry.Action)
        {
            case LedgerAction.Retried:
                _retried++;
                break;
            case LedgerAction.Skipped:
                Skipped++;
                break;
            default:
                _quarantined++;
                break;
        }
    }

    public EpochLedger Close(IEnumerable<KeyValuePair<string, int>> deliveredBy)
    {
        Settle();
        Dictionary<string, int> all = new(_deliveredBefore);
        foreach ((string worker, int count) in deliveredBy)
        {
            if (count > 0)
                all[worker] = all.GetValueOrDefault(worker) + count;
        }

        return new EpochLedger
        {
            Epoch = _epoch,
            Batches = _batches,
            Delivered = _delivered,
            Retried = _retried,
            Skipped = Skipped,
            Quarantined = _quarantined,
            WorkerFailures = WorkerFailures,
            Digest = Convert.ToHexStringLower(_digest),
            DeliveredBy = all,
            Entries = [.. _entries],
        };
    }
}
