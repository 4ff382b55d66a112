using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RobustTrain.Runs.Scheduling;

/// <summary>A training that the system's scheduler starts every day, and stops with a checkpoint at the end of its window.</summary>
public sealed record TrainingTask
{
    /// <summary>The hours of a window that never ends: as many as a day has.</summary>
    public const int WholeDay = 24;

    /// <summary>The task's name, one for all schedulers of this user.</summary>
    public required string Name { get; init; }

    /// <summary>Who starts it: Systemd, Cron or TaskScheduler. A text, so that it reads well in JSON and CSV.</summary>
    [JsonIgnore]
    public string Scheduler { get; init; } = "";

    /// <summary>How it stands now: Ready, Running, Finished, Disabled where the scheduler was told to leave it, or Unknown where its run can't be read.</summary>
    [JsonIgnore]
    public string State { get; init; } = "";

    /// <summary>When the window begins, local time, whole minutes.</summary>
    public required TimeOnly At { get; init; }

    /// <summary>The length of the window; <see cref="WholeDay"/> is one without an end.</summary>
    public required int Hours { get; init; }

    /// <summary>When it is started next, local time; null where the scheduler doesn't say so.</summary>
    [JsonIgnore]
    public DateTime? NextRun { get; init; }

    /// <summary>The configuration.</summary>
    public required string ConfigurationPath { get; init; }

    /// <summary>The run's folder.</summary>
    public required string RunPath { get; init; }

    /// <summary>Settings <c>key=value</c> that win over the configuration.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Whether a sleeping machine is woken for it.</summary>
    public bool Wake { get; init; }

    /// <summary>Whether it has to run while its user is not logged on, too.</summary>
    public bool LoggedOff { get; init; }

    /// <summary>What relative paths in the configuration are relative to.</summary>
    public required string WorkingFolder { get; init; }

    /// <summary>The end of the window; null where it has none.</summary>
    [JsonIgnore]
    internal TimeOnly? End => Hours == WholeDay ? null : At.AddHours(Hours);

    /// <summary>Everything that the scheduler has to hand to the trainer as it is.</summary>
    [JsonIgnore]
    internal IEnumerable<string> Texts => [ConfigurationPath, RunPath, WorkingFolder, .. Settings];

    /// <summary>The task in one line of ASCII, which stands in what is registered.</summary>
    internal string ToJson() => JsonSerializer.Serialize(this, TaskJson.Default.TrainingTask);

    /// <summary>The task of such a line.</summary>
    /// <param name="json">The line.</param>
    /// <param name="where">Where it stands, for people.</param>
    /// <exception cref="RunException">It was changed by hand.</exception>
    internal static TrainingTask FromJson(string json, string where)
    {
        try
        {
            if (JsonSerializer.Deserialize(json, TaskJson.Default.TrainingTask) is { } task)
                return task;
            throw new JsonException();
        }
        catch (JsonException damaged)
        {
            throw new RunException(ExitCode.Configuration, "TrainingTaskNotReadable", $"The record of a training in {where} is damaged: it is not the JSON that Register-TrainingTask writes.", where, damaged);
        }
    }
}

/// <summary>Times of the day, for people and for schedulers.</summary>
internal static class TimesOfDay
{
    /// <summary>A time as 22:00.</summary>
    public static string Clock(this TimeOnly time) => time.ToString("HH:mm", CultureInfo.InvariantCulture);
}

/// <summary>How a task stands.</summary>
internal static class TaskState
{
    public const string Ready = nameof(Ready);
    public const string Running = nameof(Running);
    public const string Finished = nameof(Finished);
    public const string Disabled = nameof(Disabled);
    public const string Unknown = nameof(Unknown);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TrainingTask))]
internal sealed partial class TaskJson : JsonSerializerContext;
