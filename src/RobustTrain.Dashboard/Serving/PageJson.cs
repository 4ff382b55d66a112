using System.Text.Json.Serialization;
using RobustTrain.Dashboard.Catalog;
using RobustTrain.Dashboard.Fleets;
using RobustTrain.Dashboard.Hosts;
using RobustTrain.Dashboard.Journals;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard.Serving;

/// <summary>All that a page needs to begin.</summary>
/// <param name="Folder">The runs' folder.</param>
/// <param name="Machine">This machine.</param>
/// <param name="Version">The version of this program.</param>
/// <param name="Control">What requests to change something carry; null where nothing may be changed.</param>
/// <param name="Runs">The runs.</param>
/// <param name="Hosts">The hosts.</param>
/// <param name="Fleets">The fleets.</param>
/// <param name="Alerts">The alerts.</param>
/// <param name="Problem">What is wrong with the folder; null where nothing is.</param>
internal sealed record StateView(
    string Folder, string Machine, string Version, string? Control, IReadOnlyList<RunSummary> Runs, IReadOnlyList<HostView> Hosts, IReadOnlyList<FleetView> Fleets, AlertsView Alerts, string? Problem);

/// <summary>What has changed about the runs.</summary>
/// <param name="Runs">Those that are new or other than before.</param>
/// <param name="Gone">The ids of those that are gone.</param>
/// <param name="Problem">What is wrong with the folder.</param>
internal sealed record RunsChange(IReadOnlyList<RunSummary> Runs, IReadOnlyList<string> Gone, string? Problem);

/// <summary>A run in detail.</summary>
/// <param name="Summary">As in the list.</param>
/// <param name="Record">Its record; null where it can't be read.</param>
/// <param name="Settings">Its configuration's text; null where there is none.</param>
/// <param name="SettingsProblem">Why there is none.</param>
/// <param name="PictureEpochs">The epochs that have pictures.</param>
internal sealed record RunView(RunSummary Summary, RunFacts? Record, string? Settings, string? SettingsProblem, IReadOnlyList<int> PictureEpochs);

/// <summary>What a run's record says beside the list.</summary>
internal sealed record RunFacts(
    string Id, string? GitCommit, RunVersions? Versions, string? WorkingDirectory, IReadOnlyDictionary<string, double>? TestScores, LedgerTotals? LedgerTotals, IReadOnlyList<AttemptView> Attempts);

/// <summary>A process that has worked on a run.</summary>
internal sealed record AttemptView(DateTimeOffset Started, DateTimeOffset? Ended, double? DurationSeconds, string State, int? ExitCode, string? Error, string Host, int ProcessId, int? ResumedFromEpoch);

/// <summary>A sentence about what was asked for.</summary>
internal sealed record AnswerView(string Message);

/// <summary>How the page's data are written. Signs that mean something in HTML are escaped.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StateView))]
[JsonSerializable(typeof(RunsChange))]
[JsonSerializable(typeof(RunView))]
[JsonSerializable(typeof(HistoryView))]
[JsonSerializable(typeof(PictureIndex))]
[JsonSerializable(typeof(AnswerView))]
[JsonSerializable(typeof(HostHistoryView))]
[JsonSerializable(typeof(IReadOnlyList<HostView>))]
[JsonSerializable(typeof(IReadOnlyList<FleetView>))]
[JsonSerializable(typeof(AlertsView))]
internal sealed partial class PageJson : JsonSerializerContext;
