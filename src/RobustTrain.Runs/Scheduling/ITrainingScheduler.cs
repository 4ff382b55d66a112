using System.Net;

namespace RobustTrain.Runs.Scheduling;

/// <summary>A program of the system that starts others at a time of the day.</summary>
public interface ITrainingScheduler
{
    /// <summary>Which one it is.</summary>
    SchedulerKind Kind { get; }

    /// <summary>Whether it is at work on this machine for this user, as far as it can be told beforehand.</summary>
    bool IsAtWork { get; }

    /// <summary>The whole text that <see cref="Register"/> hands to the scheduler.</summary>
    /// <exception cref="RunException">The scheduler can't keep what the task says.</exception>
    string Describe(TrainingTask task, TaskEnvironment environment);

    /// <summary>What the operator has to know of tasks of this scheduler, a sentence each.</summary>
    IReadOnlyList<string> Notices();

    /// <summary>The tasks that are registered; <see cref="TrainingTask.State"/> is Disabled or Ready.</summary>
    /// <exception cref="RunException">The scheduler does not answer, or one of the tasks can't be read.</exception>
    IReadOnlyList<TrainingTask> Tasks();

    /// <summary>Registers a task in the place of one of the same name.</summary>
    /// <exception cref="RunException">The scheduler refuses; everything is as it was.</exception>
    void Register(TrainingTask task, TaskEnvironment environment);

    /// <summary>Takes a task away. A training that is at work goes on.</summary>
    /// <exception cref="RunException">The scheduler refuses.</exception>
    void Unregister(TrainingTask task);
}

/// <summary>The schedulers.</summary>
public enum SchedulerKind
{
    /// <summary>The one that this machine has.</summary>
    Auto,

    /// <summary>A service and timers: of the system for root, else of the user.</summary>
    Systemd,

    /// <summary>The user's crontab.</summary>
    Cron,

    /// <summary>The Task Scheduler of Windows.</summary>
    TaskScheduler,
}

/// <summary>What a task needs around it.</summary>
/// <param name="Executable">The executable <c>robusttrain</c>.</param>
/// <param name="ScriptFolder">The folder of <c>train-until-finished.sh</c> and <c>Invoke-TrainingUntilFinished.ps1</c>.</param>
/// <param name="PowerShell">The executable <c>pwsh</c>.</param>
/// <param name="Credential">The account that Task Scheduler logs on with; null for the user who registers.</param>
public sealed record TaskEnvironment(string Executable, string ScriptFolder, string PowerShell, NetworkCredential? Credential = null);
