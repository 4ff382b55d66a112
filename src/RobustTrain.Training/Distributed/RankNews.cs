using System.Text.Json;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Recovery;
using RobustTrain.Runs.Events;

namespace RobustTrain.Training.Distributed;

/// <summary>What has happened at a rank since it last told, and most batches bring nothing of.</summary>
internal sealed record RankNews
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>What went wrong, where it ends the training.</summary>
    public RankFailure? Failure { get; init; }

    /// <summary>Samples of training that were not simply delivered.</summary>
    public IReadOnlyList<LedgerEntry> Entries { get; init; } = [];

    /// <summary>How often a worker of the training's loader died or stood still.</summary>
    public int WorkerFailures { get; init; }

    /// <summary>Samples that a loader goes without from now on, by split.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<QuarantineEntry>> Quarantined { get; init; } = new Dictionary<string, IReadOnlyList<QuarantineEntry>>();

    /// <summary>What the run's journal is to hold of it.</summary>
    public IReadOnlyList<RunEvent> Events { get; init; } = [];

    /// <summary>Whether there is nothing.</summary>
    public bool IsEmpty => Failure is null && Entries.Count == 0 && WorkerFailures == 0 && Quarantined.Count == 0 && Events.Count == 0;

    /// <summary>Its bytes; none where it is empty.</summary>
    public byte[] ToBytes() => IsEmpty ? [] : JsonSerializer.SerializeToUtf8Bytes(this, s_json);

    /// <summary>Reads it.</summary>
    public static RankNews Of(byte[] bytes) => bytes.Length == 0 ? new RankNews() : JsonSerializer.Deserialize<RankNews>(bytes, s_json)!;
}
