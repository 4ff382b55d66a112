using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using RobustTrain.Platform;

namespace RobustTrain.Runs.Scheduling;

/// <summary>
/// A service that trains, the timer that starts it, and where the window has an end the timer that stops it. systemd itself starts a killed
/// training again.
/// </summary>
/// <param name="unitFolder">Where the units are kept.</param>
/// <param name="isUser">Whether they are the user's, and not the system's.</param>
/// <param name="systemctl">The program that talks to systemd.</param>
public sealed partial class SystemdScheduler(string unitFolder, bool isUser, string systemctl = "systemctl") : ITrainingScheduler
{
    // Neither prefix is the beginning of the other, so that no name of a task makes the unit of another one.
    private const string TaskPrefix = "robusttrain-task-";
    private const string EndPrefix = "robusttrain-end-";

    private readonly SchedulerProgram _systemctl = new(systemctl);

    /// <summary>systemd as this user has it: root's units are the system's. Null where it isn't installed.</summary>
    public static SystemdScheduler? OfThisUser()
    {
        if (ChildProcess.FindProgram("systemctl") is not { } program)
            return null;

        bool isUser = !Environment.IsPrivilegedProcess;

        // systemd's own variable; the first folder is the one that wins over the others.
        string? named = Environment.GetEnvironmentVariable("SYSTEMD_UNIT_PATH")?.Split(':', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        string own = isUser ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "systemd", "user") : "/etc/systemd/system";
        return new SystemdScheduler(named ?? own, isUser, program);
    }

    /// <inheritdoc/>
    public SchedulerKind Kind => SchedulerKind.Systemd;

    /// <inheritdoc/>
    public bool IsAtWork => Directory.Exists("/run/systemd/system") && (!isUser || Systemctl("show", "--property=Version").Code == 0);

    /// <inheritdoc/>
    public string Describe(TrainingTask task, TaskEnvironment environment) =>
        string.Join('\n', Units(task, environment).Select(unit => $"# {Path.Combine(unitFolder, unit.Name)}\n{unit.Text}"));

    /// <inheritdoc/>
    public IReadOnlyList<string> Notices() => isUser && !IsLingering
        ? [$"The timers of the user {Environment.UserName} run only while the user is logged on; 'loginctl enable-linger {Environment.UserName}' lets them run always."]
        : [];

    /// <inheritdoc/>
    public IReadOnlyList<TrainingTask> Tasks() => Directory.Exists(unitFolder)
        ? [.. Directory.EnumerateFiles(unitFolder, TaskPrefix + "*.service").Order(StringComparer.Ordinal).Select(Read).OfType<TrainingTask>()]
        : [];

    /// <inheritdoc/>
    public void Register(TrainingTask task, TaskEnvironment environment)
    {
        (string Name, string Text)[] units = [.. Units(task, environment)];
        Dictionary<string, byte[]> former = UnitFiles(task.Name).Where(File.Exists).ToDictionary(file => file, File.ReadAllBytes);
        Directory.CreateDirectory(unitFolder);
        try
        {
            if (former.Count > 0)
                Demand(["disable", "--now", .. TimersOf(former.Keys)]);
            foreach (string file in former.Keys)
                File.Delete(file);
            foreach ((string name, string text) in units)
                DurableFile.Write(Path.Combine(unitFolder, name), text);
            Demand("daemon-reload");
            Demand(["enable", "--now", .. TimersOf(units.Select(unit => unit.Name))]);
        }
        catch
        {
            Restore(task.Name, former);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Unregister(TrainingTask task)
    {
        string[] files = [.. UnitFiles(task.Name).Where(File.Exists)];
        Demand(["disable", "--now", .. TimersOf(files)]);
        foreach (string file in files)
            File.Delete(file);
        Demand("daemon-reload");

        // A service that has failed would be listed for ever; one that has not is not known any more, which systemctl calls an error.
        Systemctl("reset-failed", $"{TaskPrefix}{task.Name}.service", $"{EndPrefix}{task.Name}.service");
    }

    private static bool IsLingering => File.Exists($"/var/lib/systemd/linger/{Environment.UserName}");

    private static IEnumerable<string> TimersOf(IEnumerable<string> units) => units.Select(Path.GetFileName).OfType<string>().Where(name => name.EndsWith(".timer", StringComparison.Ordinal));

    private IEnumerable<string> UnitFiles(string name) =>
        from prefix in new[] { TaskPrefix, EndPrefix }
        from suffix in new[] { ".service", ".timer" }
        select Path.Combine(unitFolder, $"{prefix}{name}{suffix}");

    private SchedulerProgram.Answer Systemctl(params IEnumerable<string> arguments) => _systemctl.Call(isUser ? ["--user", .. arguments] : arguments);

    private void Demand(params IEnumerable<string> arguments) => _systemctl.Demand(isUser ? ["--user", .. arguments] : arguments);

    // What systemd answers here is not asked: the refusal that led here is told, and it names the cause.
    private void Restore(string name, Dictionary<string, byte[]> former)
    {
        string[] written = [.. UnitFiles(name).Where(File.Exists)];
        if (written.Length > 0)
            Systemctl(["disable", "--now", .. TimersOf(written)]);
        foreach (string file in written)
            File.Delete(file);
        foreach ((string file, byte[] text) in former)
            DurableFile.Write(file, text);
        Systemctl("daemon-reload");
        if (former.Count > 0)
            Systemctl(["enable", "--now", .. TimersOf(former.Keys)]);
    }

    private TrainingTask? Read(string file)
    {
        if (Record().Match(File.ReadAllText(file)) is not { Success: true } found)
            return null;

        TrainingTask task = TrainingTask.FromJson(found.Groups["json"].Value, $"'{file}'");
        string shown = Systemctl("show", $"{TaskPrefix}{task.Name}.timer", "--property=ActiveState,NextElapseUSecRealtime").Text;
        return task with
        {
            Scheduler = nameof(SchedulerKind.Systemd),
            State = shown.Contains("ActiveState=active", StringComparison.Ordinal) ? TaskState.Ready : TaskState.Disabled,
            NextRun = NextElapse().Match(shown) is { Success: true } next
                ? DateTime.ParseExact(next.Groups["time"].ValueSpan, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)
                : null,
        };
    }

    private IEnumerable<(string Name, string Text)> Units(TrainingTask task, TaskEnvironment environment)
    {
        Check(task, environment);
        string service = $"{TaskPrefix}{task.Name}.service";
        yield return (service, Service(task, environment));
        yield return ($"{TaskPrefix}{task.Name}.timer", Timer(
            $"RobustTrain: {task.Name}, each day at {task.At.Clock()}",
            task.At, "# After a boot within the window the training goes on.\nOnStartupSec=1min\n" + (task.Wake ? "WakeSystem=true\n" : "")));
        if (task.End is not { } end)
            yield break;

        yield return ($"{EndPrefix}{task.Name}.service", $"""
            # What {EndPrefix}{task.Name}.timer starts: it stops the training, which writes its checkpoint.
            [Unit]
            Description=RobustTrain: the end of the window of {task.Name}
            Conflicts={service}
            After={service}

            [Service]
            Type=oneshot
            ExecStart=true

            """);
        yield return ($"{EndPrefix}{task.Name}.timer", Timer($"RobustTrain: {task.Name}, stopped each day at {end.Clock()}", end, ""));
    }

    private string Service(TrainingTask task, TaskEnvironment environment)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"""
            # Registered by Register-TrainingTask; Unregister-TrainingTask {task.Name} takes it away.
            [Unit]
            Description=RobustTrain: {task.Name}
            {(isUser ? "" : "After=network-online.target nvidia-persistenced.service\n")}
            """);
        text.Append("""
            # A training that is killed so often within an hour needs a person.
            StartLimitIntervalSec=1h
            StartLimitBurst=20

            [Service]
            Type=exec

            """);
        if (task.End is { } end)
        {
            text.Append(CultureInfo.InvariantCulture, $"""
                # Nothing is started outside of the window.
                ExecCondition=/bin/sh -c 'now=$$(date +%%H%%M); [ $$now -ge {task.At:HHmm} ] {(end > task.At ? "&&" : "||")} [ $$now -lt {end:HHmm} ]'

                """);
        }

        IEnumerable<string> command = [environment.Executable, "train", task.ConfigurationPath, "--run-path", task.RunPath, "--resume", "auto", .. task.Settings.SelectMany(setting => new[] { "--set", setting })];
        text.Append(CultureInfo.InvariantCulture, $"""
            ExecStart={string.Join(' ', command.Select(Quoted))}
            WorkingDirectory={task.WorkingFolder.Replace("%", "%%", StringComparison.Ordinal)}
            StandardInput=null
            # The GPUs' numbers are then those of nvidia-smi; and .NET makes no files that a killed process leaves in the temporary folder.
            Environment=CUDA_DEVICE_ORDER=PCI_BUS_ID DOTNET_EnableDiagnostics=0
            # SIGTERM means: checkpoint, then exit 75. SIGKILL follows only when that does not end.
            KillSignal=SIGTERM
            KillMode=mixed
            TimeoutStopSec=120
            # 75 is a stop that was asked for: the next window goes on. A death by signal is not; 2, 3, 4 and 5 need a person.
            SuccessExitStatus=75
            Restart=on-abnormal
            RestartSec=10

            [X-RobustTrain]
            Task={task.ToJson()}

            """);
        return text.ToString();
    }

    private static string Timer(string description, TimeOnly time, string more) => $"""
        [Unit]
        Description={description}

        [Timer]
        OnCalendar=*-*-* {time.Clock()}:00
        AccuracySec=1s
        {more}
        [Install]
        WantedBy=timers.target

        """;

    private void Check(TrainingTask task, TaskEnvironment environment)
    {
        if (environment.Executable.Contains('$'))
            throw new RunException(ExitCode.Configuration, "TrainingTaskPathInvalid", $"'{environment.Executable}' has a $, which systemd does not keep in the path of a program; install the module in a folder without one.", environment.Executable);
        if (task.WorkingFolder is [.., '\\' or ' '])
            throw new RunException(ExitCode.Configuration, "TrainingTaskPathInvalid", $"The current folder '{task.WorkingFolder}' ends with a backslash or a blank, which systemd does not keep; register the task from another folder.", task.WorkingFolder);
        if (isUser && task.Wake)
            throw new RunException(ExitCode.Configuration, "TrainingTaskCannotWake", "-Wake needs a timer of the system, which only root can register; the timers of a user wake no machine.", task.Name);
        if (isUser && task.LoggedOff && !IsLingering)
            throw new RunException(ExitCode.Configuration, "TrainingTaskNeedsLinger", $"-LoggedOff needs the timers of the user {Environment.UserName} to outlive the session; 'loginctl enable-linger {Environment.UserName}' lets them.", task.Name);
    }

    private static string Quoted(string argument)
    {
        string kept = argument.Replace("%", "%%", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal);
        return Plain().IsMatch(argument) ? kept : $"\"{kept.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }

    [GeneratedRegex(@"^[A-Za-z0-9/._+=:@,%\[\]-]+$")]
    private static partial Regex Plain();

    [GeneratedRegex(@"^Task=(?<json>.*)$", RegexOptions.Multiline)]
    private static partial Regex Record();

    // Local time, with the day of the week before it and the time zone behind.
    [GeneratedRegex(@"^NextElapseUSecRealtime=\w+ (?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", RegexOptions.Multiline)]
    private static partial Regex NextElapse();
}
