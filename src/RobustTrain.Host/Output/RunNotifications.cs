using System.Globalization;
using System.Text.Json;
using RobustTrain.Platform.Notifications;
using RobustTrain.Runs;

namespace RobustTrain.Host.Output;

/// <summary>
/// Tells whoever asked how a run has ended, by the run's own process, so that a detached run tells too. The targets stand in no configuration, which
/// is kept in the run's folder and shown to others: the address of a webhook often holds its password.
/// </summary>
/// <param name="targets">Who is told.</param>
/// <param name="sender">Tells.</param>
/// <param name="onFailure">Is told in a sentence where that could not be done.</param>
/// <param name="time">The clock.</param>
internal sealed class RunNotifications(IReadOnlyList<NotificationTarget> targets, NotificationSender sender, Action<string> onFailure, TimeProvider time)
{
    /// <summary>The variable of the environment with targets, one a line, for schedulers and for those that have more than an option can say.</summary>
    public const string Variable = "ROBUSTTRAIN_ON_EVENT";

    /// <summary>The kinds of what is told of a run.</summary>
    public static readonly string[] Kinds = ["finished", "failed", "stuck", "stopped"];

    /// <summary>The targets that options and the environment name.</summary>
    /// <exception cref="RunException">One is neither a command nor a webhook.</exception>
    public static IReadOnlyList<NotificationTarget> TargetsOf(IEnumerable<string> options)
    {
        string[] fromEnvironment = Environment.GetEnvironmentVariable(Variable)?.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        try
        {
            return [.. options.Concat(fromEnvironment).Distinct(StringComparer.Ordinal).Select(NotificationTarget.Parse)];
        }
        catch (FormatException wrong)
        {
            throw new RunException(ExitCode.Configuration, "NotificationTargetInvalid", $"--on-event: {wrong.Message}", innerException: wrong);
        }
    }

    /// <summary>Tells that the run's process ends. Waits until all targets are told or given up, which is bounded.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="runPath">The run's folder; null where there is none yet.</param>
    /// <param name="exitCode">The exit code.</param>
    /// <param name="failure">Why it failed; null where it did not.</param>
    public void Tell(string kind, string? runPath, ExitCode exitCode, Failure? failure)
    {
        if (targets.Count == 0)
            return;
        ReadOnlyMemory<byte> json = Write(kind, runPath, RecordOf(runPath), exitCode, failure);
        foreach (string sentence in sender.SendAsync(targets, kind, json, CancellationToken.None).GetAwaiter().GetResult())
            onFailure(sentence);
    }

    private static RunRecord? RecordOf(string? runPath)
    {
        try
        {
            return runPath is null ? null : RunFolder.ReadRecord(runPath);
        }
        catch (RunException)
        {
            // That a run has failed is told even where its folder is gone.
            return null;
        }
    }

    private ReadOnlyMemory<byte> Write(string kind, string? runPath, RunRecord? record, ExitCode exitCode, Failure? failure)
    {
        string id = string.Create(CultureInfo.InvariantCulture, $"{record?.Id ?? runPath ?? "no-run"}/{record?.Attempts.Count ?? 0}/{kind}");
        return NotificationMessage.Write(kind, id, time.GetUtcNow(), Sentence(kind, runPath, record, failure), Environment.MachineName, json =>
        {
            json.WriteNumber("process_id", Environment.ProcessId);
            json.WriteStartObject("run");
            json.WriteString("path", runPath);
            json.WriteNumber("exit_code", (int)exitCode);
            json.WriteString("error", failure?.Message);
            json.WriteString("error_id", failure?.ErrorId);
            if (record is not null)
                WriteRun(json, record, runPath!);
            json.WriteEndObject();
        });
    }

    private static void WriteRun(Utf8JsonWriter json, RunRecord record, string runPath)
    {
        json.WriteString("id", record.Id);
        json.WriteString("name", record.Name);
        json.WriteString("task", record.Task);
        json.WriteNumber("epochs", record.Epochs);
        json.WriteNumber("epochs_done", record.EpochsDone);
        json.WriteNumber("attempts", record.Attempts.Count);
        json.WriteString("best_metric", record.BestMetric);
        WriteNumber(json, "best_epoch", record.BestEpoch);
        WriteNumber(json, "best_score", record.BestScore);
        json.WriteStartObject("test_scores");
        foreach ((string name, double score) in record.TestScores ?? new Dictionary<string, double>())
            WriteNumber(json, name, score);
        json.WriteEndObject();
        WriteNumber(json, "duration_seconds", record.DurationSeconds);
        RunCost? cost = RunCost.Of(record, runPath);
        WriteNumber(json, "gpu_hours", cost?.GpuSeconds / 3600);
        WriteNumber(json, "cpu_hours", cost?.CpuSeconds / 3600);
        WriteNumber(json, "energy_kilowatt_hours", cost?.EnergyJoules / 3.6e6);
        WriteNumber(json, "data_wait_seconds", cost?.DataWaitSeconds);
    }

    // JSON has no number for what is not finite.
    private static void WriteNumber(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }

    private static string Sentence(string kind, string? runPath, RunRecord? record, Failure? failure)
    {
        string subject = record is null ? $"The training{(runPath is null ? "" : $" at {runPath}")}" : $"The run '{record.Name}'";
        string end = kind switch
        {
            "finished" when record?.BestScore is { } score => string.Create(CultureInfo.InvariantCulture, $"has finished: {record.BestMetric} {score:0.0000} in epoch {record.BestEpoch}."),
            "finished" => "has finished.",
            "stopped" => string.Create(CultureInfo.InvariantCulture, $"was stopped with a checkpoint after {record?.EpochsDone} of {record?.Epochs} epochs; started again it goes on."),
            "stuck" => $"is stuck: {failure?.Message}",
            _ => $"has failed: {failure?.Message}",
        };
        return $"{subject} on {Environment.MachineName} {end}";
    }
}
