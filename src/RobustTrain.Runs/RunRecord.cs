using System.Buffers;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;

namespace RobustTrain.Runs;

/// <summary>What <c>run.json</c> says of a run: enough to list runs without reading their journals.</summary>
public sealed record RunRecord
{
    /// <summary>The format that this version writes.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The format of the record.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The run's id, unique among all runs.</summary>
    public required string Id { get; init; }

    /// <summary>The configuration's name for people.</summary>
    public required string Name { get; init; }

    /// <summary>How the run stood when the record was written; <see cref="ObservedState"/> knows of processes that are gone.</summary>
    public required RunState State { get; init; }

    /// <summary>The exit code of the last process that ended in order.</summary>
    public int? ExitCode { get; init; }

    /// <summary>One sentence, where the run failed.</summary>
    public string? Error { get; init; }

    /// <summary>The error's stable id, where the run failed.</summary>
    public string? ErrorId { get; init; }

    /// <summary>The process that works, or worked last, on the run.</summary>
    public required ProcessIdentity Process { get; init; }

    /// <summary>The folder in which that process was started.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>The commit that was checked out there, where it lies in a git repository.</summary>
    public string? GitCommit { get; init; }

    /// <summary>The versions of what computed.</summary>
    public required RunVersions Versions { get; init; }

    /// <summary>SHA-256 of the configuration's canonical text, in hexadecimal.</summary>
    public required string ConfigurationDigest { get; init; }

    /// <summary>What each split of the data held when the last process began; null where nobody noted it.</summary>
    public IReadOnlyList<SplitRecord>? Data { get; init; }

    /// <summary>When the run began, UTC.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When the record was written, UTC.</summary>
    public required DateTimeOffset Updated { get; init; }

    /// <summary>When the run ended, UTC; null while it has not.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>The epochs to train.</summary>
    public required int Epochs { get; init; }

    /// <summary>The epochs that are complete.</summary>
    public int EpochsDone { get; init; }

    /// <summary>The epochs that checkpoints on disk hold: a run that fails has no more of them; null where nobody noted it.</summary>
    public int? EpochsSaved { get; init; }

    /// <summary>The score that decides which epoch is best.</summary>
    public required string BestMetric { get; init; }

    /// <summary>What is learned; null in records from before there was a choice, which are of change detection.</summary>
    public string? Task { get; init; }

    /// <summary>The names of the scores that a sample gets; null in such records.</summary>
    public IReadOnlyList<string>? ScoreNames { get; init; }

    /// <summary>The best epoch, from 0; null before the first validation.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>The best epoch's score.</summary>
    public double? BestScore { get; init; }

    /// <summary>What became of the training samples of the complete epochs; null before the first.</summary>
    public LedgerTotals? LedgerTotals { get; init; }

    /// <summary>The scores of the test with the best checkpoint, once it is done.</summary>
    public IReadOnlyDictionary<string, double>? TestScores { get; init; }

    /// <summary>The rank for which the others waited when they were last measured; null where one process trains, and before the newest process has measured it.</summary>
    public SlowestRank? SlowestRank { get; init; }

    /// <summary>Every process that worked on the run, in order.</summary>
    public required IReadOnlyList<RunAttempt> Attempts { get; init; }

    /// <summary>How long processes have worked on the run when the record was written, all attempts together.</summary>
    [JsonIgnore]
    public double DurationSeconds => Attempts.Sum(attempt =>
        attempt.DurationSeconds ?? Math.Max(0, ((attempt.Ended ?? (attempt == Attempts[^1] ? Updated : attempt.Started)) - attempt.Started).TotalSeconds));

    /// <summary>The state as it is now: a run whose process is gone is not running, whatever its record says.</summary>
    [JsonIgnore]
    public RunState ObservedState => State.Observed(Process);
}

/// <summary>One process that worked on the run.</summary>
public sealed record RunAttempt
{
    /// <summary>The process.</summary>
    public required ProcessIdentity Process { get; init; }

    /// <summary>When it began, UTC.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When it ended, UTC; null while it runs, and where it was interrupted.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>How long it has worked when the record was written, by a clock that nobody sets; null in records of older versions.</summary>
    public double? DurationSeconds { get; init; }

    /// <summary>How it stands.</summary>
    public required RunState State { get; init; }

    /// <summary>Its exit code; null while it runs, and where it was interrupted.</summary>
    public int? ExitCode { get; init; }

    /// <summary>One sentence, where it failed.</summary>
    public string? Error { get; init; }

    /// <summary>The epoch after which it went on; null where it began the run.</summary>
    public int? ResumedFromEpoch { get; init; }

    /// <summary>What it has used, as far as the record knows; null in records of older versions, and before it was first measured.</summary>
    public RunCost? Cost { get; init; }

    /// <summary>The state as it is now: a process that is gone without a word was interrupted, whatever the record says.</summary>
    [JsonIgnore]
    public RunState ObservedState => State.Observed(Process);
}

/// <summary>How a run, or one attempt at it, stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunState>))]
public enum RunState
{
    /// <summary>A process works on it.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>All epochs and the test are done.</summary>
    [JsonStringEnumMemberName("finished")]
    Finished,

    /// <summary>Stopped on request with a checkpoint; started again it goes on.</summary>
    [JsonStringEnumMemberName("stopped")]
    Stopped,

    /// <summary>Ended by an error, which the record names.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Its process is gone without a word: killed, crashed, or the machine went down. Started again it goes on.</summary>
    [JsonStringEnumMemberName("interrupted")]
    Interrupted,
}

/// <summary>What is recorded of a run, held against what its process does.</summary>
internal static class RunStates
{
    /// <summary>The state as it is now: where the process is gone the run is not running, whatever was recorded.</summary>
    public static RunState Observed(this RunState recorded, ProcessIdentity process) =>
        recorded == RunState.Running && process.IsAlive() == false ? RunState.Interrupted : recorded;
}

/// <summary>What the run's numbers depend on beside its configuration.</summary>
/// <param name="RobustTrain">The version of this program.</param>
/// <param name="LibTorch">The version of libtorch; null where the process has not loaded it.</param>
/// <param name="DotNet">The version of the .NET runtime.</param>
/// <param name="Os">The operating system and its architecture.</param>
public sealed record RunVersions(
    [property: JsonPropertyName("robusttrain")] string RobustTrain,
    [property: JsonPropertyName("libtorch")] string? LibTorch,
    [property: JsonPropertyName("dotnet")] string DotNet,
    string Os)
{
    /// <summary>The versions of this process.</summary>
    /// <param name="libTorch">The version of the libtorch that it has loaded.</param>
    public static RunVersions Current(string? libTorch = null) => new(
        typeof(RunVersions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
        libTorch,
        Environment.Version.ToString(),
        $"{RuntimeInformation.OSDescription} ({RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()})");
}

/// <summary>What a split of a run's data held, by which the same data are known elsewhere.</summary>
/// <param name="Split">The split's name for people.</param>
/// <param name="Samples">Its samples.</param>
/// <param name="Bytes">The bytes of its files.</param>
/// <param name="Digest">SHA-256 of the names of its samples and the sizes of their files, in order, in hexadecimal.</param>
public sealed record SplitRecord(string Split, int Samples, long Bytes, string Digest);

/// <summary>What became of the training samples of all complete epochs of a run.</summary>
/// <param name="Delivered">Samples delivered.</param>
/// <param name="Retried">How often a sample was loaded again.</param>
/// <param name="Skipped">Samples that were not delivered; the epochs' ledgers name them.</param>
/// <param name="Quarantined">How often an epoch met a sample in quarantine.</param>
/// <param name="WorkerFailures">How often a worker died or stood still.</param>
public sealed record LedgerTotals(long Delivered, long Retried, long Skipped, long Quarantined, long WorkerFailures)
{
    /// <summary>Of no epoch.</summary>
    public static LedgerTotals None { get; } = new(0, 0, 0, 0, 0);
}

/// <summary>
/// How records and events are written: snake case, and NaN and infinity, which JSON has no numbers for, as the strings
/// <c>"NaN"</c>, <c>"Infinity"</c> and <c>"-Infinity"</c>.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(RunEvent))]
[JsonSerializable(typeof(RunRecord))]
internal sealed partial class RunJson : JsonSerializerContext
{
    // The texts go to files and pipes, never into HTML: paths stay readable.
    private static readonly JavaScriptEncoder s_encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>Writes a value in UTF-8.</summary>
    public static void Write<T>(IBufferWriter<byte> target, T value, JsonTypeInfo<T> type, bool indented)
    {
        using Utf8JsonWriter writer = new(target, new JsonWriterOptions { Encoder = s_encoder, Indented = indented, NewLine = "\n" });
        JsonSerializer.Serialize(writer, value, type);
    }
}
