using System.Text.RegularExpressions;
using RobustTrain.Platform;

namespace RobustTrain.Runs.Scheduling;

/// <summary>The trainings that this user's schedulers start.</summary>
/// <param name="schedulers">The schedulers, the preferred one first.</param>
public sealed partial class TrainingSchedule(IReadOnlyList<ITrainingScheduler> schedulers)
{
    /// <summary>The schedulers that are installed here.</summary>
    public static TrainingSchedule OfThisUser() => new([.. new ITrainingScheduler?[] { WindowsTaskScheduler.OfThisUser(), SystemdScheduler.OfThisUser(), CronScheduler.OfThisUser() }.OfType<ITrainingScheduler>()]);

    /// <summary>A scheduler by its kind.</summary>
    /// <exception cref="RunException">This machine has none, or not this one.</exception>
    public ITrainingScheduler Choose(SchedulerKind kind)
    {
        if (kind == SchedulerKind.Auto)
        {
            return schedulers.FirstOrDefault(scheduler => scheduler.IsAtWork)
                ?? throw new RunException(ExitCode.Configuration, "SchedulerNotFound", "This machine has no scheduler that could start a training: no systemd is at work, there is no crontab on the path, and Task Scheduler is a part of Windows.", kind);
        }

        return schedulers.FirstOrDefault(scheduler => scheduler.Kind == kind)
            ?? throw new RunException(ExitCode.Configuration, "SchedulerNotFound", $"-Scheduler {kind} is not on this machine: there is no {ProgramOf(kind)} on the path.", kind);
    }

    /// <summary>The tasks of all schedulers, as they stand now.</summary>
    /// <exception cref="RunException">A scheduler does not answer, or a task can't be read.</exception>
    public IReadOnlyList<TrainingTask> Tasks() => [.. schedulers.SelectMany(scheduler => scheduler.Tasks()).Select(Observed)];

    /// <summary>Checks all that can be known before anything is written.</summary>
    /// <returns>The tasks that the new one replaces.</returns>
    /// <exception cref="RunException">Something is wrong; nothing was changed.</exception>
    public IReadOnlyList<TrainingTask> Check(TrainingTask task, TaskEnvironment environment, ITrainingScheduler scheduler, bool replace)
    {
        if (!TaskName().IsMatch(task.Name))
            throw Refusal("TrainingTaskNameInvalid", $"-Name '{OneLine(task.Name)}' is no name for a task; expected a letter or a digit, and then up to 99 letters, digits and . _ -", task.Name);
        if (task.Texts.FirstOrDefault(text => text.Any(char.IsControl)) is { } text)
            throw Refusal("TrainingTaskPathInvalid", $"'{OneLine(text)}' has a line break or another control character, which no scheduler keeps.", text);
        if (!File.Exists(task.ConfigurationPath))
            throw Refusal("ConfigurationNotFound", $"The configuration '{task.ConfigurationPath}' doesn't exist.", task.ConfigurationPath);
        if (environment.Credential is not null && scheduler.Kind != SchedulerKind.TaskScheduler)
            throw Refusal("TrainingTaskCredentialUnused", $"-Credential is for Task Scheduler; {scheduler.Kind} runs the task as the user who registers it, so leave it out.", task.Name);
        RunFolder.CheckPath(task.RunPath, ResumeMode.Auto);

        IReadOnlyList<TrainingTask> all = Tasks();
        TrainingTask[] same = [.. all.Where(other => IsCalled(other, task.Name))];
        if (same.Length > 0 && !replace)
            throw Refusal("TrainingTaskExists", $"There is a task '{same[0].Name}' already ({same[0].Scheduler}, {same[0].At.Clock()}); -Force replaces it.", task.Name);
        if (all.FirstOrDefault(other => !IsCalled(other, task.Name) && other.RunPath == task.RunPath) is { } twin)
            throw Refusal("TrainingTaskRunTaken", $"The task '{twin.Name}' trains into '{task.RunPath}' already; name another run, or take that one away by Unregister-TrainingTask.", task.RunPath);

        // Says what the scheduler can't keep.
        scheduler.Describe(task, environment);
        return same;
    }

    /// <summary>Registers a task.</summary>
    /// <returns>The task as the scheduler has it.</returns>
    /// <exception cref="RunException">Something is wrong, or the scheduler refuses; everything is as it was.</exception>
    public TrainingTask Register(TrainingTask task, TaskEnvironment environment, ITrainingScheduler scheduler, bool replace)
    {
        IReadOnlyList<TrainingTask> former = Check(task, environment, scheduler, replace);

        // A name in another spelling makes other files, where their names tell the letter case.
        string name = former.FirstOrDefault(other => other.Scheduler == scheduler.Kind.ToString())?.Name ?? task.Name;
        scheduler.Register(task with { Name = name }, environment);
        foreach (TrainingTask other in former.Where(other => other.Scheduler != scheduler.Kind.ToString()))
            Unregister(other);
        return Observed(scheduler.Tasks().First(registered => IsCalled(registered, name)));
    }

    /// <summary>Takes a task away; a training that is at work goes on.</summary>
    /// <exception cref="RunException">The scheduler refuses.</exception>
    public void Unregister(TrainingTask task) => Choose(Enum.Parse<SchedulerKind>(task.Scheduler)).Unregister(task);

    /// <summary>Says that there is no task of a name, and which one has the nearest.</summary>
    public RunException NotFound(string name)
    {
        string end = NearestName.Of(name, [.. Tasks().Select(task => task.Name)]) is { } nearest ? $"; did you mean '{nearest}'?" : ".";
        return Refusal("TrainingTaskNotFound", $"There is no task '{name}'{end}", name);
    }

    /// <summary>Whether a task has a name, in any letter case.</summary>
    public static bool IsCalled(TrainingTask task, string name) => string.Equals(task.Name, name, StringComparison.OrdinalIgnoreCase);

    private static TrainingTask Observed(TrainingTask task)
    {
        if (!RunFolder.IsRun(task.RunPath))
            return task;
        try
        {
            return RunFolder.ReadRecord(task.RunPath).ObservedState switch
            {
                RunState.Running => task with { State = TaskState.Running },
                RunState.Finished when task.State == TaskState.Ready => task with { State = TaskState.Finished },
                _ => task,
            };
        }
        catch (RunException)
        {
            // Get-TrainingRun tells what is wrong with it; the task is there all the same.
            return task with { State = TaskState.Unknown };
        }
    }

    private static string ProgramOf(SchedulerKind kind) => kind switch
    {
        SchedulerKind.Systemd => "systemctl",
        SchedulerKind.Cron => "crontab",
        _ => "schtasks",
    };

    private static string OneLine(string text) => text.ReplaceLineEndings("\\n");

    private static RunException Refusal(string errorId, string message, object target) => new(ExitCode.Configuration, errorId, message, target);

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z")]
    private static partial Regex TaskName();
}
