using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Data.Loading;

/// <summary>What a loader achieved over one epoch without a training.</summary>
public sealed record LoaderMeasurement
{
    /// <summary>What the workers were.</summary>
    public required WorkerKind Kind { get; init; }

    /// <summary>How many workers there were at the end.</summary>
    public required int Workers { get; init; }

    /// <summary>Samples delivered a second, the first batch's wait left out; null where there was one batch only, which tells no rate.</summary>
    public required double? SamplesPerSecond { get; init; }

    /// <summary>Milliseconds from opening the stream to its first batch.</summary>
    public required double FirstBatchMilliseconds { get; init; }

    /// <summary>Microseconds a batch that the consumer spent on neither waiting for samples nor loading them: publishing, taking over, giving back; null where there was no batch.</summary>
    public required double? OverheadMicroseconds { get; init; }

    /// <summary>The largest resident memory of a process worker in bytes, the ring that all share left out; null for threads.</summary>
    public required long? WorkerMemoryBytes { get; init; }

    /// <summary>The bytes of the ring: slots times batch.</summary>
    public required long RingBytes { get; init; }

    /// <summary>Milliseconds of the longest wait for a batch after the first; null where there was none after it.</summary>
    public required double? LongestWaitMilliseconds { get; init; }

    /// <summary>Where the time went.</summary>
    public required LoaderStatistics Statistics { get; init; }

    /// <summary>The samples that the epoch's plan has.</summary>
    public required int Planned { get; init; }

    /// <summary>Samples that were neither delivered nor named in the ledger.</summary>
    public int Lost => Planned - Ledger.Delivered - Ledger.Skipped;

    /// <summary>The account of the epoch.</summary>
    public required EpochLedger Ledger { get; init; }
}
