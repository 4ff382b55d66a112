using System.Management.Automation;
using System.Reflection;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;
using RobustTrain.Runs.Scheduling;

namespace RobustTrain.Cmdlets.Schedules;

/// <summary>Registers a training with the system's scheduler, for every day.</summary>
[Cmdlet(VerbsLifecycle.Register, "TrainingTask", SupportsShouldProcess = true)]
[OutputType(typeof(TrainingTask))]
public sealed class RegisterTrainingTaskCommand : HostCmdlet
{
    /// <summary>The task's name.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    /// <summary>The YAML file; a run's folder stands for the run's own.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("ConfigurationPath", "PSPath", "Config")]
    [FromObject("ConfigurationPath", "RunPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string ConfigPath { get; set; } = "";

    /// <summary>The run's folder.</summary>
    [Parameter(Mandatory = true, Position = 2, ValueFromPipelineByPropertyName = true)]
    [FromObject("RunPath", "FullName")]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string RunPath { get; set; } = "";

    /// <summary>When the window begins, each day.</summary>
    [Parameter]
    [TimeOfDayTransformation]
    public TimeOnly At { get; set; } = new(22, 0);

    /// <summary>The length of the window; 24 for one without an end.</summary>
    [Parameter]
    [ValidateRange(1, TrainingTask.WholeDay)]
    public int Hours { get; set; } = 8;

    /// <summary>Keys of the configuration: a hashtable, nested or with dotted keys, or texts key=value.</summary>
    [Parameter]
    [SettingsTransformation]
    [ArgumentCompleter(typeof(SettingCompleter))]
    public string[] Set { get; set; } = [];

    /// <summary>Wakes a sleeping machine.</summary>
    [Parameter]
    public SwitchParameter Wake { get; set; }

    /// <summary>Runs also while the user is not logged on.</summary>
    [Parameter]
    public SwitchParameter LoggedOff { get; set; }

    /// <summary>The account that Task Scheduler logs on with.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Who starts it.</summary>
    [Parameter]
    public SchedulerKind Scheduler { get; set; }

    /// <summary>Replaces a task of this name.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        TrainingTask task = await ReadTaskAsync();
        TaskEnvironment environment = await OnPipelineThread(ReadEnvironment);
        var schedule = TrainingSchedule.OfThisUser();
        ITrainingScheduler scheduler = schedule.Choose(Scheduler);
        schedule.Check(task, environment, scheduler, Force);
        await CheckConfigurationAsync(task, stopping);

        string configuration = Path.GetFileName(task.ConfigurationPath);
        string action = Strings.Format(task.Hours == TrainingTask.WholeDay ? "RegisterWholeDayTaskAction" : "RegisterTaskAction", scheduler.Kind, configuration, Clock(task.At), Clock(task.At.AddHours(task.Hours)), task.RunPath);
        bool isToBeDone = await ShouldProcessAsync(task.Name, action);
        if (await OnPipelineThread(() => IsWhatIf))
            await WriteHostAsync(scheduler.Describe(task, environment));
        foreach (string notice in scheduler.Notices())
            await WriteWarningAsync(notice);
        if (isToBeDone)
            await WriteObjectAsync(schedule.Register(task, environment, scheduler, Force));
    }

    private Task<TrainingTask> ReadTaskAsync() => OnPipelineThread(() => new TrainingTask
    {
        Name = Name,
        ConfigurationPath = ResolveConfiguration(ConfigPath),
        RunPath = Path.TrimEndingDirectorySeparator(ResolvePath(RunPath)),
        WorkingFolder = SessionState.Path.CurrentFileSystemLocation.ProviderPath,
        At = At,
        Hours = Hours,
        Settings = Set,
        Wake = Wake,
        LoggedOff = LoggedOff || Credential is not null,
    });

    private TaskEnvironment ReadEnvironment()
    {
        string scripts = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!, "..", "scripts"));
        if (!Directory.Exists(scripts))
            throw new RunException(ExitCode.Configuration, "ScriptsNotFound", Strings.Format("ScriptsNotFound", scripts), scripts);

        string shell = Path.Combine((string)SessionState.PSVariable.GetValue("PSHOME"), OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh");
        return new TaskEnvironment(HostExecutable.Find(), scripts, File.Exists(shell) ? shell : Path.GetFileName(shell), Credential?.GetNetworkCredential());
    }

    // What could not begin at night is told now: the configuration, its data and the run's folder, by the executable that is going to train.
    private Task CheckConfigurationAsync(TrainingTask task, CancellationToken stopping)
    {
        TrainingRequest request = new()
        {
            ConfigurationPath = task.ConfigurationPath,
            Settings = task.Settings,
            RunPath = task.RunPath,
            Resume = ResumeMode.Auto,
            WorkingFolder = task.WorkingFolder,
        };
        return CallAsync(["config", "check", .. request.RunArguments()], Strings.Format("CheckActivity"), task.ConfigurationPath, _ => { }, stopping);
    }

    private static string Clock(TimeOnly time) => time.ToString("HH:mm", System.Globalization.CultureInfo.InvariantCulture);
}
