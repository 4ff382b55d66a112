using System.Net;
using System.Runtime.Versioning;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;
using RobustTrain.Runs;
using RobustTrain.Runs.Scheduling;
using RobustTrain.Tests.Monitoring;
using RobustTrain.Tests.Scripts;

namespace RobustTrain.Tests.Runs.Scheduling;

/// <summary>What is registered, and what is left where a registration is refused or taken back. Real schedulers are in Scripts/SchedulerTests.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class TrainingScheduleTests : IDisposable
{
    private static readonly XNamespace s_task = "http://schemas.microsoft.com/windows/2004/02/mit/task";

    private readonly FakeSchedulers _fakes = new();

    public static TheoryData<SchedulerKind> Kinds => [SchedulerKind.Systemd, SchedulerKind.Cron, SchedulerKind.TaskScheduler];

    public void Dispose() => _fakes.Dispose();

    [LinuxTheory("Its schedulers are scripts of Unix's shell.")]
    [MemberData(nameof(Kinds))]
    public void A_registered_task_is_read_as_it_was_given_and_unregistered_without_a_trace(SchedulerKind kind)
    {
        ITrainingScheduler scheduler = Schedule.Choose(kind);
        TrainingTask task = _fakes.Task("a.b_C-1") with { Settings = ["seed=3", "name=\"Jürgen, 日 'x' 100%\""], At = new TimeOnly(6, 5), Hours = 24 };
        string[] before = Files();

        TrainingTask registered = Schedule.Register(task, _fakes.Environment, scheduler, replace: false);

        Assert.Equal(task.Settings, registered.Settings);
        Assert.Equal(task with { Scheduler = $"{kind}", State = "Ready" }, registered with { Settings = task.Settings, NextRun = null });
        Assert.NotNull(registered.NextRun);
        Schedule.Unregister(registered);
        Assert.Empty(Schedule.Tasks());
        Assert.Equal(before, Files());
    }

    [LinuxFact("Its paths are those of Unix.")]
    public void The_units_are_a_service_its_timer_and_the_end_of_its_window()
    {
        TrainingTask task = _fakes.Task() with { Settings = ["data.path=/a b"] };

        string text = _fakes.Systemd.Describe(task, _fakes.Environment);

        Assert.Equal($"""
            # {_fakes.Units}/robusttrain-task-nightly.service
            # Registered by Register-TrainingTask; Unregister-TrainingTask nightly takes it away.
            [Unit]
            Description=RobustTrain: nightly
            After=network-online.target nvidia-persistenced.service
            # A training that is killed so often within an hour needs a person.
            StartLimitIntervalSec=1h
            StartLimitBurst=20

            [Service]
            Type=exec
            # Nothing is started outside of the window.
            ExecCondition=/bin/sh -c 'now=$$(date +%%H%%M); [ $$now -ge 2200 ] || [ $$now -lt 0600 ]'
            ExecStart={_fakes.Path}/host/robusttrain train {_fakes.Path}/my.yaml --run-path {_fakes.Path}/runs/nightly --resume auto --set "data.path=/a b"
            WorkingDirectory={_fakes.Path}
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
            Task=@

            # {_fakes.Units}/robusttrain-task-nightly.timer
            [Unit]
            Description=RobustTrain: nightly, each day at 22:00

            [Timer]
            OnCalendar=*-*-* 22:00:00
            AccuracySec=1s
            # After a boot within the window the training goes on.
            OnStartupSec=1min

            [Install]
            WantedBy=timers.target

            # {_fakes.Units}/robusttrain-end-nightly.service
            # What robusttrain-end-nightly.timer starts: it stops the training, which writes its checkpoint.
            [Unit]
            Description=RobustTrain: the end of the window of nightly
            Conflicts=robusttrain-task-nightly.service
            After=robusttrain-task-nightly.service

            [Service]
            Type=oneshot
            ExecStart=true

            # {_fakes.Units}/robusttrain-end-nightly.timer
            [Unit]
            Description=RobustTrain: nightly, stopped each day at 06:00

            [Timer]
            OnCalendar=*-*-* 06:00:00
            AccuracySec=1s

            [Install]
            WantedBy=timers.target

            """, string.Join('\n', text.Split('\n').Select(line => line.StartsWith("Task={", StringComparison.Ordinal) ? "Task=@" : line)));
    }

    [Theory]
    [InlineData(0, 8, "[ $$now -ge 0000 ] && [ $$now -lt 0800 ]")]
    [InlineData(22, 2, "[ $$now -ge 2200 ] || [ $$now -lt 0000 ]")]
    [InlineData(23, 23, "[ $$now -ge 2300 ] || [ $$now -lt 2200 ]")]
    public void The_window_of_a_unit_may_pass_midnight(int at, int hours, string condition) =>
        Assert.Contains($"; {condition}'", _fakes.Systemd.Describe(_fakes.Task() with { At = new TimeOnly(at, 0), Hours = hours }, _fakes.Environment), StringComparison.Ordinal);

    [LinuxFact("Its paths are those of Unix.")]
    public void A_window_of_the_whole_day_has_no_end()
    {
        TrainingTask task = _fakes.Task() with { Hours = TrainingTask.WholeDay };

        string units = _fakes.Systemd.Describe(task, _fakes.Environment);
        Assert.DoesNotContain("robusttrain-end", units, StringComparison.Ordinal);
        Assert.DoesNotContain("ExecCondition", units, StringComparison.Ordinal);
        Assert.DoesNotContain(" timeout ", _fakes.Crontab.Describe(task, _fakes.Environment), StringComparison.Ordinal);
        Assert.Equal("PT0S", Document(task).Descendants(s_task + "ExecutionTimeLimit").Single().Value);
    }

    [Fact]
    public void The_service_of_a_task_and_the_sample_agree()
    {
        string[] sample = File.ReadAllLines(Path.Combine(TestFiles.Root, "scripts/systemd/robusttrain@.service"));
        string[] ofTasksOnly = ["ExecCondition=", "ExecStart=", "WorkingDirectory=", "# Nothing", "# 75 is"];
        string[] service = [.. _fakes.Systemd.Describe(_fakes.Task(), _fakes.Environment).Split('\n').SkipWhile(line => line != "[Service]").TakeWhile(line => line != "[X-RobustTrain]")];

        Assert.Empty(service.Where(line => !ofTasksOnly.Any(only => line.StartsWith(only, StringComparison.Ordinal))).Except(sample));
    }

    [LinuxFact("Its schedulers are scripts of Unix's shell.")]
    public void The_line_of_a_crontab_hands_over_every_letter()
    {
        string folder = _fakes.At("it's 100% \"a b\" $HOME `x` ü");
        Directory.CreateDirectory(folder);
        string executable = _fakes.Program("robust train%", """echo "$PWD|$CUDA_DEVICE_ORDER" >"$0.calls"; for argument; do echo "$argument" >>"$0.calls"; done; exit 75""");
        TrainingTask task = _fakes.Task() with { ConfigurationPath = Path.Combine(folder, "c.yaml"), RunPath = Path.Combine(folder, "runs/r"), WorkingFolder = folder, Settings = ["name=\"a'b\"", "data.mean=[0.5, 0.5]"] };
        TaskEnvironment environment = _fakes.Environment with { Executable = executable, ScriptFolder = Path.Combine(TestFiles.Root, "scripts") };
        string line = _fakes.Crontab.Describe(task, environment).Split('\n')[^3];
        Assert.StartsWith("0 22 * * * ", line, StringComparison.Ordinal);

        // What cron makes of it: a % that is not escaped would end the command.
        Assert.DoesNotMatch(@"(?<!\\)%", line);
        (int code, string output) = Shell.Run("sh", "-c", line["0 22 * * * ".Length..].Replace("\\%", "%", StringComparison.Ordinal));

        // A stop that was asked for is final until the next window.
        Assert.True(code == 75, output);
        Assert.Equal([$"{folder}|PCI_BUS_ID", "train", task.ConfigurationPath, "--run-path", task.RunPath, "--resume", "auto", "--set", task.Settings[0], "--set", task.Settings[1]], File.ReadAllLines(executable + ".calls"));
        Assert.True(File.Exists(task.RunPath + ".log"));
    }

    [LinuxTheory("Its schedulers are scripts of Unix's shell.")]
    [InlineData("# gr\u00fc\u00dfe\n0 1 * * * backup\n")]
    [InlineData("0 1 * * * no newline at the end")]
    [InlineData("\n\n")]
    public void A_crontab_is_kept_byte_for_byte(string before)
    {
        // Latin-1: not UTF-8, which a program that decodes would damage.
        byte[] bytes = Encoding.Latin1.GetBytes(before);
        File.WriteAllBytes(_fakes.At("crontab.tab"), bytes);

        TrainingTask first = Register(SchedulerKind.Cron, _fakes.Task("first"));
        TrainingTask second = Register(SchedulerKind.Cron, _fakes.Task("second"));
        Assert.Equal(bytes, File.ReadAllBytes(_fakes.At("crontab.tab")).Take(bytes.Length));
        Assert.Equal(["first", "second"], Schedule.Tasks().Select(task => task.Name));
        Schedule.Unregister(first);
        Assert.Equal("second", Assert.Single(Schedule.Tasks()).Name);
        Schedule.Unregister(second);

        Assert.Equal(before.EndsWith('\n') ? bytes : [.. bytes, (byte)'\n'], File.ReadAllBytes(_fakes.At("crontab.tab")));
    }

    [LinuxFact("Its schedulers are scripts of Unix's shell.")]
    public void A_crontab_that_cannot_be_read_is_not_written_over()
    {
        File.WriteAllText(_fakes.At("crontab.tab"), "0 1 * * * backup\n");
        File.WriteAllText(_fakes.At("crontab.fails"), "you are not allowed to use this program");

        RunException refused = Assert.Throws<RunException>(() => _fakes.Crontab.Register(_fakes.Task(), _fakes.Environment));

        Assert.Equal(("CrontabNotReadable", "The crontab could not be read: you are not allowed to use this program"), (refused.ErrorId, refused.Message));
        Assert.Equal("0 1 * * * backup\n", File.ReadAllText(_fakes.At("crontab.tab")));
    }

    [LinuxFact("Its schedulers are scripts of Unix's shell.")]
    public void A_lock_that_a_training_holds_stays_when_its_task_goes()
    {
        TrainingTask task = Register(SchedulerKind.Cron, _fakes.Task());
        Directory.CreateDirectory(_fakes.At("runs"));
        string path = task.RunPath + ".lock";
        using (FileStream held = new(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            Schedule.Unregister(task);
            Assert.True(File.Exists(path));
        }

        Schedule.Unregister(Register(SchedulerKind.Cron, _fakes.Task()));
        Assert.False(File.Exists(path));
    }

    [LinuxTheory("Its schedulers are scripts of Unix's shell.")]
    [InlineData(SchedulerKind.Systemd, "systemctl refused with exit code 1: Failed to enable unit: Access denied")]
    [InlineData(SchedulerKind.Cron, "crontab refused with exit code 1: errors in crontab file, can't install")]
    [InlineData(SchedulerKind.TaskScheduler, "schtasks refused with exit code 1: ERROR: Access is denied.")]
    public void A_refused_registration_leaves_nothing_and_a_refused_replacement_the_former(SchedulerKind kind, string message)
    {
        string program = _fakes.At(kind == SchedulerKind.Systemd ? "systemctl" : kind == SchedulerKind.Cron ? "crontab" : "schtasks");
        File.WriteAllText(program + ".refuses", "");
        string[] before = Files();
        Assert.Equal(message, Assert.Throws<RunException>(() => Register(kind, _fakes.Task())).Message);
        Assert.Equal(before, Files());

        File.Delete(program + ".refuses");
        TrainingTask former = Register(kind, _fakes.Task());
        File.WriteAllText(program + ".refuses", "");
        Assert.Throws<RunException>(() => Register(kind, _fakes.Task() with { At = new TimeOnly(1, 0), Hours = 24 }, replace: true));
        Assert.Equal(former, Assert.Single(Schedule.Tasks()) with { Settings = former.Settings });
    }

    [LinuxFact("Its schedulers are scripts of Unix's shell.")]
    public void A_refused_task_of_a_user_who_is_logged_off_says_who_may_register_it()
    {
        File.WriteAllText(_fakes.At("schtasks.refuses"), "");

        RunException refused = Assert.Throws<RunException>(() => Register(SchedulerKind.TaskScheduler, _fakes.Task() with { LoggedOff = true }));

        Assert.Equal("schtasks refused with exit code 1: ERROR: Access is denied. A task that runs while its user is logged off (-LoggedOff, -Credential) mostly needs a shell that runs as administrator.", refused.Message);
    }

    [LinuxFact("Its schedulers are scripts of Unix's shell.")]
    public void A_replaced_task_leaves_no_unit_of_the_former_one()
    {
        Register(SchedulerKind.Systemd, _fakes.Task());
        Register(SchedulerKind.Systemd, _fakes.Task() with { Hours = 24 }, replace: true);
        Assert.Equal(["robusttrain-task-nightly.service", "robusttrain-task-nightly.timer"], Directory.GetFiles(_fakes.Units).Select(Path.GetFileName).Order());

        Register(SchedulerKind.Cron, _fakes.Task(), replace: true);
        Assert.Empty(Directory.GetFiles(_fakes.Units));
        Assert.Equal("Cron", Assert.Single(Schedule.Tasks()).Scheduler);
    }

    [Theory]
    [InlineData("InteractiveToken", false, false)]
    [InlineData("S4U", true, false)]
    [InlineData("Password", true, true)]
    public void The_document_of_a_task_is_valid(string logon, bool loggedOff, bool hasCredential)
    {
        TrainingTask task = _fakes.Task() with
        {
            ConfigurationPath = @"C:\my files\<&>.yaml",
            RunPath = @"C:\runs\night one",
            WorkingFolder = @"C:\my files\",
            Settings = ["seed=3", "name=\"a b\"", @"data.path=""C:\\data\\"""],
            Wake = true,
            LoggedOff = loggedOff,
        };

        XDocument document = Document(task, hasCredential ? new NetworkCredential("operator", "secret", "LAB") : null);

        string Value(string element) => document.Descendants(s_task + element).Single().Value;
        Assert.Equal(logon, Value("LogonType"));
        Assert.Equal(hasCredential ? @"LAB\operator" : $@"{Environment.UserDomainName}\{Environment.UserName}", Value("UserId"));
        Assert.DoesNotContain("secret", document.ToString(), StringComparison.Ordinal);
        Assert.Equal(("true", "true", "PT8H10M", "PT1M", "IgnoreNew"), (Value("WakeToRun"), Value("StartWhenAvailable"), Value("ExecutionTimeLimit"), Value("Interval"), Value("MultipleInstancesPolicy")));
        Assert.EndsWith("T22:00:00", Value("StartBoundary"), StringComparison.Ordinal);
        Assert.Equal(@"C:\Program Files\PowerShell\7\pwsh.exe", Value("Command"));
        Assert.Equal(
            $$"""-NoProfile -NonInteractive -File {{Path.Combine(_fakes.At("scripts"), "Invoke-TrainingUntilFinished.ps1")}} -ConfigPath "C:\my files\<&>.yaml" -RunPath "C:\runs\night one" -At 22:00 -Hours 8 -LogPath "C:\runs\night one.log" -Set "seed=3,name=\"a b\",data.path=\"C:\\data\\\\\"" """.TrimEnd(),
            Value("Arguments"));
    }

    [LinuxFact("Its schedulers are scripts of Unix's shell.")]
    public void A_password_is_told_to_the_scheduler_only()
    {
        TaskEnvironment environment = _fakes.Environment with { Credential = new NetworkCredential("operator", "secret", "LAB") };

        Schedule.Register(_fakes.Task(), environment, _fakes.Windows, replace: false);

        string[] calls = File.ReadAllLines(_fakes.At("schtasks.calls"));
        Assert.Contains(@" /ru LAB\operator /rp secret /f", Assert.Single(calls, call => call.StartsWith("/create", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", File.ReadAllText(_fakes.At("schtasks.tasks/RobustTrain-nightly")), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), "RobustTrain-nightly-*.xml"));
    }

    [LinuxTheory("Its schedulers are scripts of Unix's shell.")]
    [InlineData("TrainingTaskNameInvalid", "a b", "my.yaml", "runs/r", "")]
    [InlineData("TrainingTaskNameInvalid", "-a", "my.yaml", "runs/r", "")]
    [InlineData("TrainingTaskNameInvalid", "a\n", "my.yaml", "runs/r", "")]
    [InlineData("ConfigurationNotFound", "a", "none.yaml", "runs/r", "")]
    [InlineData("TrainingTaskPathInvalid", "a", "my.yaml", "runs/a\nb", "")]
    [InlineData("TrainingTaskPathInvalid", "a", "my.yaml", "runs/r", "name=\"a\tb\"")]
    [InlineData("RunPathIsFile", "a", "my.yaml", "my.yaml", "")]
    [InlineData("RunPathNotEmpty", "a", "my.yaml", "full", "")]
    [InlineData("TrainingTaskExists", "NIGHTLY", "my.yaml", "runs/r", "")]
    [InlineData("TrainingTaskRunTaken", "a", "my.yaml", "runs/nightly", "")]
    public void What_cannot_be_registered_is_refused_before_anything_is_written(string errorId, string name, string configuration, string run, string setting)
    {
        Directory.CreateDirectory(_fakes.At("full/other"));
        Register(SchedulerKind.Cron, _fakes.Task());
        string[] before = Files();
        TrainingTask task = _fakes.Task() with { Name = name, ConfigurationPath = _fakes.At(configuration), RunPath = _fakes.At(run), Settings = setting.Length > 0 ? [setting] : [] };

        foreach (ITrainingScheduler scheduler in new ITrainingScheduler[] { _fakes.Crontab, _fakes.Systemd, _fakes.Windows })
        {
            RunException refused = Assert.Throws<RunException>(() => Schedule.Register(task, _fakes.Environment, scheduler, replace: false));
            Assert.Equal(errorId, refused.ErrorId);
            Assert.DoesNotContain('\n', refused.Message);
        }

        Assert.Equal(before, Files());
    }

    [LinuxTheory("Its schedulers are scripts of Unix's shell.")]
    [InlineData(SchedulerKind.Cron, "TrainingTaskPathInvalid", @"data.path=""C:\\a""", false)]
    [InlineData(SchedulerKind.Cron, "TrainingTaskCannotWake", "seed=1", true)]
    [InlineData(SchedulerKind.TaskScheduler, "TrainingTaskSettingInvalid", "name=\"a, b=c\"", false)]
    public void What_a_scheduler_cannot_keep_is_refused(SchedulerKind kind, string errorId, string setting, bool wake) =>
        Assert.Equal(errorId, Assert.Throws<RunException>(() => Register(kind, _fakes.Task() with { Settings = [setting], Wake = wake })).ErrorId);

    [LinuxFact("Its schedulers are scripts of Unix's shell.")]
    public void The_units_of_a_user_neither_wake_nor_run_without_lingering()
    {
        SystemdScheduler user = new(_fakes.Units, isUser: true, _fakes.At("systemctl"));

        Assert.Equal("TrainingTaskCannotWake", Assert.Throws<RunException>(() => user.Describe(_fakes.Task() with { Wake = true }, _fakes.Environment)).ErrorId);
        Assert.Equal("TrainingTaskNeedsLinger", Assert.Throws<RunException>(() => user.Describe(_fakes.Task() with { LoggedOff = true }, _fakes.Environment)).ErrorId);
        Assert.DoesNotContain("network-online", user.Describe(_fakes.Task(), _fakes.Environment), StringComparison.Ordinal);
        user.Register(_fakes.Task(), _fakes.Environment);
        Assert.Equal(["--user daemon-reload", "--user enable --now robusttrain-task-nightly.timer robusttrain-end-nightly.timer"], File.ReadAllLines(_fakes.At("systemctl.calls")));
    }

    [Fact]
    public void A_credential_is_refused_where_no_scheduler_takes_it()
    {
        TaskEnvironment environment = _fakes.Environment with { Credential = new NetworkCredential("operator", "secret") };

        Assert.Equal("TrainingTaskCredentialUnused", Assert.Throws<RunException>(() => Schedule.Register(_fakes.Task(), environment, _fakes.Crontab, replace: false)).ErrorId);
    }

    [Fact]
    public void A_machine_without_a_scheduler_says_so()
    {
        TrainingSchedule none = new([]);

        Assert.Equal("SchedulerNotFound", Assert.Throws<RunException>(() => none.Choose(SchedulerKind.Auto)).ErrorId);
        Assert.Equal("-Scheduler Cron is not on this machine: there is no crontab on the path.", Assert.Throws<RunException>(() => none.Choose(SchedulerKind.Cron)).Message);
    }

    [LinuxFact("Its schedulers are scripts of Unix's shell.")]
    public void A_name_that_is_not_there_is_answered_by_the_nearest()
    {
        Register(SchedulerKind.Systemd, _fakes.Task());

        Assert.Equal("There is no task 'nigthly'; did you mean 'nightly'?", Schedule.NotFound("nigthly").Message);
    }

    [LinuxFact("Its schedulers are scripts of Unix's shell.")]
    public void A_record_that_was_changed_by_hand_is_named()
    {
        File.WriteAllText(_fakes.At("crontab.tab"), "# >>> RobustTrain x: {\"name\":}\n# <<< RobustTrain x\n");

        Assert.Equal("The record of a training in the crontab is damaged: it is not the JSON that Register-TrainingTask writes.", Assert.Throws<RunException>(() => Schedule.Tasks()).Message);
    }

    private TrainingSchedule Schedule => new([_fakes.Systemd, _fakes.Crontab, _fakes.Windows]);

    private TrainingTask Register(SchedulerKind kind, TrainingTask task, bool replace = false) => Schedule.Register(task, _fakes.Environment, Schedule.Choose(kind), replace);

    // Every file but those in which the fakes keep how they were called.
    private string[] Files() =>
        [.. Directory.EnumerateFiles(_fakes.Path, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".calls", StringComparison.Ordinal) && !file.EndsWith(".new", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private XDocument Document(TrainingTask task, NetworkCredential? credential = null)
    {
        XmlSchemaSet schemas = new();
        schemas.Add(null, Path.Combine(TestFiles.Root, "tests/Unit/Runs/Scheduling/task.xsd"));
        string text = _fakes.Windows.Describe(task, _fakes.Environment with { Credential = credential });
        Assert.StartsWith("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n", text, StringComparison.Ordinal);
        XDocument document = XDocument.Parse(text);
        document.Validate(schemas, (_, problem) => Assert.Fail(problem.Message));
        return document;
    }
}
