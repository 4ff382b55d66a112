using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using RobustTrain.Platform;

namespace RobustTrain.Runs.Scheduling;

/// <summary>
/// Lines between two comments in the user's crontab; all else there is kept byte for byte. The line stands on its own: it sets no variables,
/// which would hold for the user's lines below it.
/// </summary>
/// <param name="crontab">The program that reads and writes the crontab.</param>
public sealed partial class CronScheduler(string crontab = "crontab") : ITrainingScheduler
{
    private readonly SchedulerProgram _crontab = new(crontab);

    /// <summary>cron as this user has it; null where it isn't installed.</summary>
    public static CronScheduler? OfThisUser() => !OperatingSystem.IsWindows() && ChildProcess.FindProgram("crontab") is { } program ? new CronScheduler(program) : null;

    /// <inheritdoc/>
    public SchedulerKind Kind => SchedulerKind.Cron;

    /// <inheritdoc/>
    public bool IsAtWork => true;

    /// <inheritdoc/>
    public string Describe(TrainingTask task, TaskEnvironment environment) => Block(task, environment);

    /// <inheritdoc/>
    public IReadOnlyList<string> Notices() => HasDaemon() ? [] : ["No cron is running on this machine, so that nothing starts the task until one does."];

    /// <inheritdoc/>
    public IReadOnlyList<TrainingTask> Tasks() => [.. Blocks().Matches(Read()).Select(found => Read(found.Groups["json"].Value))];

    /// <inheritdoc/>
    public void Register(TrainingTask task, TaskEnvironment environment)
    {
        string before = Without(task.Name, Read());
        string separator = before.Length == 0 || before.EndsWith('\n') ? "" : "\n";
        Write(before + separator + Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(Block(task, environment))));
    }

    /// <inheritdoc/>
    public void Unregister(TrainingTask task)
    {
        string rest = Without(task.Name, Read());
        if (rest.Length > 0)
            Write(rest);
        else
            _crontab.Demand(["-r"]);
        DeleteLock(LockOf(task));
    }

    // The bytes of the crontab as characters, whatever their encoding: they go back as they came.
    private string Read()
    {
        SchedulerProgram.Answer answer = _crontab.Call(["-l"]);
        if (answer.Code == 0)
            return Encoding.Latin1.GetString(answer.Output);

        // Nothing may be written over a crontab that is there and can't be read.
        return NoCrontab().IsMatch(answer.Error)
            ? ""
            : throw new RunException(ExitCode.Configuration, "CrontabNotReadable", $"The crontab could not be read: {answer.Error}", crontab);
    }

    private void Write(string text) => _crontab.Demand(["-"], Encoding.Latin1.GetBytes(text));

    private static TrainingTask Read(string json)
    {
        TrainingTask task = TrainingTask.FromJson(json, "the crontab");
        DateTime today = DateTime.Today + task.At.ToTimeSpan();
        return task with { Scheduler = nameof(SchedulerKind.Cron), State = TaskState.Ready, NextRun = today > DateTime.Now ? today : today.AddDays(1) };
    }

    private static string Without(string name, string text) =>
        Blocks().Replace(text, found => string.Equals(found.Groups["name"].Value, name, StringComparison.OrdinalIgnoreCase) ? "" : found.Value);

    private static string Block(TrainingTask task, TaskEnvironment environment)
    {
        Check(task, environment);
        List<string> command = ["env", "CUDA_DEVICE_ORDER=PCI_BUS_ID", "DOTNET_EnableDiagnostics=0", $"ROBUSTTRAIN={environment.Executable}", "AFTER_STOP=end", "flock", "--nonblock", LockOf(task)];
        if (task.End is not null)
            command.AddRange(["timeout", "--signal=TERM", "--kill-after=120", string.Create(CultureInfo.InvariantCulture, $"{task.Hours}h")]);
        command.AddRange(["bash", Path.Combine(environment.ScriptFolder, "train-until-finished.sh"), task.RunPath, task.ConfigurationPath]);
        command.AddRange(task.Settings.SelectMany(setting => new[] { "--set", setting }));

        string folder = Path.GetDirectoryName(task.RunPath) ?? task.RunPath;
        string line = $"mkdir -p {Quoted(folder)} && cd {Quoted(task.WorkingFolder)} && exec {string.Join(' ', command.Select(Quoted))} >>{Quoted(task.RunPath + ".log")}";
        return $"""
            # >>> RobustTrain {task.Name}: {task.ToJson()}
            # flock keeps a second one away; the script starts a killed training again{(task.End is null ? "." : "; timeout sends SIGTERM, which means a checkpoint.")}
            # What is printed goes into the log beside the run; cron mails the rest: what a person has to look at.
            {task.At.Minute} {task.At.Hour} * * * {line.Replace("%", "\\%", StringComparison.Ordinal)}
            # <<< RobustTrain {task.Name}

            """;
    }

    private static void Check(TrainingTask task, TaskEnvironment environment)
    {
        // Some crons take a backslash for the beginning of an escape, others as it stands.
        if (task.Texts.Append(environment.Executable).Append(environment.ScriptFolder).FirstOrDefault(text => text.Contains('\\')) is { } text)
            throw new RunException(ExitCode.Configuration, "TrainingTaskPathInvalid", $"'{text}' has a backslash, which a crontab does not keep as it is; use a path or a setting without one.", text);
        if (task.Wake)
            throw new RunException(ExitCode.Configuration, "TrainingTaskCannotWake", "-Wake is given, but cron wakes no machine; leave it out, or take -Scheduler Systemd as root.", task.Name);
    }

    private static string LockOf(TrainingTask task) => task.RunPath + ".lock";

    private static void DeleteLock(string path)
    {
        if (!File.Exists(path))
            return;
        try
        {
            // .NET takes the same lock as flock(1): deleted only where nobody holds it.
            using FileStream held = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            File.Delete(path);
        }
        catch (IOException failure) when (StorageError.IsSharingViolation(failure))
        {
            // A training that goes on has it.
        }
    }

    private static bool HasDaemon() => Array.Exists(["cron", "crond", "fcron"], name => Process.GetProcessesByName(name).Length > 0);

    private static string Quoted(string argument) => Plain().IsMatch(argument) ? argument : $"'{argument.Replace("'", "'\"'\"'", StringComparison.Ordinal)}'";

    [GeneratedRegex(@"^[A-Za-z0-9/._+=:@,-]+$")]
    private static partial Regex Plain();

    [GeneratedRegex(@"^# >>> RobustTrain (?<name>[A-Za-z0-9._-]+): (?<json>.*)\n(?:.*\n)*?# <<< RobustTrain \k<name>\n", RegexOptions.Multiline)]
    private static partial Regex Blocks();

    // Vixie's cron and cronie; busybox.
    [GeneratedRegex(@"\bno crontab for |can't open '.*': No such file")]
    private static partial Regex NoCrontab();
}
