using System.Diagnostics;
using System.Runtime.Versioning;
using RobustTrain.Runs;
using RobustTrain.Runs.Scheduling;
using RobustTrain.Tests.Host;
using RobustTrain.Tests.Monitoring;

namespace RobustTrain.Tests.Scripts;

/// <summary>The samples for cron, systemd and Slurm under the real schedulers, each in a namespace or on ports of its own.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class SchedulerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<Process> _started = [];

    public SchedulerTests()
    {
        TinyPairs.Write(_folder.At("data"));
        File.WriteAllText(_folder.At("job.yaml"), $"data: {{path: {_folder.At("data")}, dataset: change-pairs, crop_size: 32, enlarge_ratio: 50}}\nmodel: {{base_channels: 2}}\nloader: {{batch_size: 2, num_workers: 1}}\ntrainer: {{epochs: 100000, validate_every: 100000}}\nthreads: 1\n");
        Directory.CreateDirectory(_folder.At("runs"));
        RunPath = _folder.At("runs/job");
    }

    private string RunPath { get; set; }

    public void Dispose()
    {
        foreach (Process process in _started)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        _folder.Dispose();
    }

    [SchedulerFact("cron", "/usr/sbin/cron", "/usr/bin/crontab", "/usr/bin/flock")]
    public async Task Cron_stops_a_training_goes_on_with_it_and_starts_it_only_once()
    {
        string[] lines = Adapted("cron/robusttrain.cron", ("ROBUSTTRAIN=/opt/RobustTrain/host/robusttrain", $"ROBUSTTRAIN={HostRun.Executable}"),
            ("SCRIPTS=/opt/RobustTrain/scripts", $"SCRIPTS={Script("")}"), ("CONFIG=/srv/training/config.yaml", $"CONFIG={_folder.At("job.yaml")}"),
            ("RUN=/srv/training/runs/nightly", $"RUN={RunPath}"), ("0 22 * * *", "* * * * *"), (" 8h ", " 20s "), (">>$RUN.log", ">>$RUN.log 2>>$RUN.mail")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        File.WriteAllLines(_folder.At("tab"), [.. lines, lines[^1]]);
        BeginCron(_folder.At("tab"));

        await Shell.Until(() => Attempts is [_, { State: not RunState.Running }, ..], Story);
        Assert.All(Attempts.Take(2), attempt => Assert.Equal((RunState.Stopped, 75), (attempt.State, attempt.ExitCode)));
        Assert.DoesNotContain("works on the run", File.ReadAllText(RunPath + ".mail"), StringComparison.Ordinal);
    }

    [SchedulerFact("PID namespace", "/usr/bin/unshare")]
    public void A_training_runs_where_its_own_process_id_is_nobodys_in_proc()
    {
        // In the new namespace, whose /proc is the outer one's, ids count from 1: the first that is free outside takes the training.
        (int code, string output) = Shell.Run("unshare", "--pid", "--fork", "--kill-child", "sh", "-c",
            """while sh -c '[ ! -e /proc/$$ ] || exit 99; exec "$0" "$@"' "$@"; code=$?; [ $code -eq 99 ]; do :; done; exit $code""",
            "sh", HostRun.Executable, "train", _folder.At("job.yaml"), "--run-path", RunPath, "--set", "trainer.epochs=1");

        Assert.True(code == 0, output);
        Assert.False(Directory.Exists($"/proc/{RunFolder.ReadRecord(RunPath).Process.ProcessId}"));
    }

    [SchedulerFact("systemd", "/lib/systemd/systemd", "/usr/bin/systemctl", "/usr/bin/nsenter")]
    public async Task Systemd_starts_a_killed_or_stopped_training_again_but_not_one_that_it_was_asked_to_stop()
    {
        Directory.CreateDirectory(_folder.At("units"));
        File.WriteAllText(_folder.At("units/robusttrain@.service"), Adapted(
            "systemd/robusttrain@.service", ("/opt/RobustTrain/host/robusttrain", HostRun.Executable), ("/srv/training", _folder.Path), ("RestartSec=10", "RestartSec=1")));
        File.Copy(Script("systemd/robusttrain@.timer"), _folder.At("units/robusttrain@.timer"));
        string systemctl = await BeginSystemd();
        (int Code, string Output) Systemctl(params string[] arguments) => Shell.Run(systemctl, arguments);
        string Property(string name) => Systemctl("show", "robusttrain@job", "--property", name, "--value").Output.Trim();

        // The timer's OnBootSec may have passed already: then it starts the service, else systemctl does.
        Assert.Equal(0, Systemctl("start", "robusttrain@job.timer", "robusttrain@job.service").Code);
        foreach ((int attempts, string signal) in new[] { (1, "KILL"), (2, "USR1") })
        {
            await Shell.Until(() => Attempts.Count == attempts && HasTrained, Story);
            Assert.Equal(0, Systemctl("kill", "--kill-whom=main", $"--signal={signal}", "robusttrain@job").Code);
        }

        await Shell.Until(() => Attempts.Count == 3 && HasTrained, Story);
        Assert.Equal(0, Systemctl("stop", "robusttrain@job.timer", "robusttrain@job.service").Code);
        Assert.Equal([RunState.Interrupted, RunState.Stopped, RunState.Stopped], Attempts.Select(attempt => attempt.State));
        Assert.Equal(("inactive", "success"), (Property("ActiveState"), Property("Result")));

        // A mistake needs a person: it isn't started again.
        File.AppendAllText(_folder.At("job.yaml"), "seed: 7\n");
        Systemctl("start", "robusttrain@job.service");
        await Shell.Until(() => Property("ActiveState") == "failed", Story);
        Assert.Equal(("2", "0"), (Property("ExecMainStatus"), Property("NRestarts")));
    }

    [SchedulerFact("systemd", "/lib/systemd/systemd", "/usr/bin/systemctl", "/usr/bin/nsenter")]
    public async Task A_task_of_systemd_goes_on_within_its_window_is_stopped_at_its_end_and_leaves_nothing()
    {
        RunPath = _folder.At("runs/it's \"100%\" $HOME");
        string systemctl = await BeginSystemd();
        SystemdScheduler scheduler = new(_folder.At("units"), isUser: false, systemctl);
        TrainingSchedule schedule = new([scheduler]);
        (int Code, string Output) Systemctl(params string[] arguments) => Shell.Run(systemctl, arguments);
        string Property(string unit, string name) => Systemctl("show", unit, "--property", name, "--value").Output.Trim();
        string[] Units() => [.. Directory.EnumerateFileSystemEntries(_folder.At("units"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        string[] before = Units();

        // The window has begun half an hour ago: the timer starts the training a minute after the boot.
        DateTime begin = DateTime.Now.AddMinutes(-30);
        begin = begin.Date.AddHours(begin.Hour).AddMinutes(begin.Minute);
        TrainingTask task = schedule.Register(TaskAt(begin), Programs, scheduler, replace: false);
        Assert.Equal(begin.AddDays(1), task.NextRun);
        await Shell.Until(() => Attempts.Count == 1 && HasTrained, Story);
        // Whether it runs can't be told from out here, where another process has its id.
        Assert.Equal("night", Assert.Single(schedule.Tasks()).Name);
        Assert.Equal(0, Systemctl("kill", "--kill-whom=main", "--signal=KILL", "robusttrain-task-night.service").Code);
        await Shell.Until(() => Attempts.Count == 2 && HasTrained, Story);

        // What the other timer starts, and when.
        Assert.Equal("robusttrain-end-night.service", Property("robusttrain-end-night.timer", "Unit"));
        Assert.Contains($" {begin.AddHours(1):yyyy-MM-dd HH:mm:ss} ", Property("robusttrain-end-night.timer", "NextElapseUSecRealtime"), StringComparison.Ordinal);
        Assert.Equal(0, Systemctl("start", "robusttrain-end-night.service").Code);
        Assert.Equal([RunState.Interrupted, RunState.Stopped], Attempts.Select(attempt => attempt.State));
        Assert.Equal(("inactive", "success"), (Property("robusttrain-task-night.service", "ActiveState"), Property("robusttrain-task-night.service", "Result")));

        // Outside of its window nothing is started.
        schedule.Register(TaskAt(begin.AddHours(12)), Programs, scheduler, replace: true);
        Assert.Equal(0, Systemctl("start", "robusttrain-task-night.service").Code);
        Assert.Equal("exec-condition", Property("robusttrain-task-night.service", "Result"));
        Assert.Equal(2, Attempts.Count);

        schedule.Unregister(Assert.Single(schedule.Tasks()));
        Assert.Equal(before, Units());
        Assert.Equal("", Systemctl("list-units", "--all", "--plain", "--no-legend", "robusttrain-*").Output.Trim());
    }

    [SchedulerFact("cron", "/usr/sbin/cron", "/usr/bin/crontab", "/usr/bin/flock")]
    public async Task A_task_of_cron_is_stopped_at_the_end_of_its_window_and_leaves_nothing()
    {
        RunPath = _folder.At("runs/it's \"100%\" $HOME");
        File.WriteAllText(_folder.At("tab"), "# mine\n0 1 1 1 * true\n");
        string cron = await FirstProcessOf(BeginCron(_folder.At("tab")), "cron");

        // The hour of the window is a minute here.
        string crontab = Program("crontab", $"""
            crontab() {"{"} nsenter --target {cron} --mount --pid crontab "$@"; {"}"}
            if [ "$1" = - ]; then sed 's/ 1h / 60s /' | crontab -; else crontab "$@"; fi
            """);
        TrainingSchedule schedule = new([new CronScheduler(crontab)]);
        DateTime begin = DateTime.Now.AddMinutes(DateTime.Now.Second < 20 ? 1 : 2);
        TrainingTask task = schedule.Register(TaskAt(begin), Programs, schedule.Choose(SchedulerKind.Cron), replace: false);
        Assert.Equal((begin.Hour, begin.Minute), (task.NextRun!.Value.Hour, task.NextRun.Value.Minute));

        await Shell.Until(() => Attempts is [{ State: not RunState.Running }], Story);
        Assert.Equal((RunState.Stopped, 75), (Attempts[0].State, Attempts[0].ExitCode));
        await Shell.Until(() => Shell.Run("flock", "--nonblock", RunPath + ".lock", "true").Code == 0, Story);
        schedule.Unregister(task);
        Assert.Single(Attempts);
        Assert.Equal("# mine\n0 1 1 1 * true\n", Shell.Run(crontab, "-l").Output);
        Assert.Equal([RunPath, RunPath + ".log"], Directory.EnumerateFileSystemEntries(_folder.At("runs")).Order(StringComparer.Ordinal));
    }

    [SchedulerFact("Slurm", "/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/bin/sbatch")]
    public async Task Slurm_queues_a_stopped_or_killed_training_again_but_not_a_cancelled_one()
    {
        Dictionary<string, string> variables = new() { ["SLURM_CONF"] = SlurmConfiguration.Write(_folder.Path, nodes: 1, cpus: 1), ["ROBUSTTRAIN"] = HostRun.Executable };
        (int Code, string Output) Slurm(string program, params string[] arguments) => Shell.Run(program, variables, arguments);
        Begin("slurmctld", variables, "-D", "-i");
        Begin("unshare", variables, "--pid", "--fork", "--kill-child", "--mount-proc", "slurmd", "-D", "-N", "n1");
        string Told() => $"{Story()}\n{Slurm("scontrol", "show", "job").Output}\n{Slurm("scontrol", "show", "node").Output}";
        await Shell.Until(() => Slurm("sinfo", "--noheader", "--partition=low", "--format=%T").Output.Trim() == "idle", Told);
        string job = Slurm("sbatch", "--parsable", "--gres=none", "--cpus-per-task=1", $"--output={_folder.At("out")}", Script("slurm/robusttrain.sbatch"), _folder.At("job.yaml"), RunPath).Output.Trim();
        string State() => Slurm("squeue", "--noheader", "--states=all", $"--jobs={job}", "--format=%T").Output.Trim();

        // What Slurm does 120 s before the time is over, and then a kill.
        foreach ((int attempts, Action end) in new (int, Action)[]
        {
            (1, () => Slurm("scancel", "--batch", "--signal=USR1", job)),
            (2, () => Slurm("scancel", "--signal=KILL", $"{job}.0")),
        })
        {
            await Shell.Until(() => Attempts.Count == attempts && HasTrained, Told);
            end();
        }

        await Shell.Until(() => Attempts.Count == 3 && HasTrained, Told);
        Slurm("scancel", job);
        await Shell.Until(() => State() == "CANCELLED", Told);
        Assert.Equal([RunState.Stopped, RunState.Interrupted, RunState.Stopped], Attempts.Select(attempt => attempt.State));
    }

    private TaskEnvironment Programs => new(HostRun.Executable, Script(""), "pwsh");

    private TrainingTask TaskAt(DateTime begin) => new()
    {
        Name = "night",
        ConfigurationPath = _folder.At("job.yaml"),
        RunPath = RunPath,
        WorkingFolder = _folder.Path,
        At = new TimeOnly(begin.Hour, begin.Minute),
        Hours = 1,
    };

    // cron with a crontab of its own.
    private Process BeginCron(string tab) => Begin("unshare", [], "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec", """
        for place in /var/spool/cron /etc/cron.d /run; do mount -t tmpfs tmpfs $place; done
        mkdir /var/spool/cron/crontabs
        mount --bind /dev/null /etc/crontab
        crontab "$0"
        exec cron -f
        """, tab);

    // systemd with units of its own and no others; its systemctl.
    private async Task<string> BeginSystemd()
    {
        Directory.CreateDirectory(_folder.At("units"));
        foreach (string target in new[] { "default", "basic", "sysinit", "shutdown", "network-online", "multi-user", "timers" })
            File.WriteAllText(_folder.At($"units/{target}.target"), "[Unit]\nDefaultDependencies=no\n");
        Process namespaces = Begin(
            "unshare", new() { ["SYSTEMD_UNIT_PATH"] = _folder.At("units"), ["container"] = "lxc" }, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "--ipc",
            "sh", "-ec", """mount -t tmpfs tmpfs /run; mount --bind "$0" /etc/systemd/system; exec /lib/systemd/systemd --system --log-target=null --unit=default.target""", _folder.At("units"));
        string first = await FirstProcessOf(namespaces, "systemd");
        string systemctl = Program("systemctl", $"""exec nsenter --target {first} --mount --root --pid --uts systemctl "$@" """);
        await Shell.Until(() => Shell.Run(systemctl, "is-system-running").Output.Trim() == "running", Story);
        return systemctl;
    }

    // The id of what unshare has begun, once it is the program of this name.
    private async Task<string> FirstProcessOf(Process namespaces, string name)
    {
        string first = "";
        await Shell.Until(() => (first = Shell.Run("pgrep", "-P", $"{namespaces.Id}").Output.Trim()).Length > 0 && File.ReadAllText($"/proc/{first}/comm").Trim() == name, Story);
        return first;
    }

    private string Program(string name, string lines)
    {
        File.WriteAllText(_folder.At(name), $"#!/bin/sh\n{lines}\n");
        File.SetUnixFileMode(_folder.At(name), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return _folder.At(name);
    }

    private IReadOnlyList<RunAttempt> Attempts => RunFolder.IsRun(RunPath) ? RunFolder.ReadRecord(RunPath).Attempts : [];

    // Since the latest attempt began.
    private bool HasTrained => File.Exists(RunFolder.JournalPathOf(RunPath))
        && File.ReadLines(RunFolder.JournalPathOf(RunPath)).LastOrDefault(line => Tells(line, "run_started") || Tells(line, "epoch_finished")) is { } last && Tells(last, "epoch_finished");

    // The attempts, the ends of what was logged, and who holds cron's lock.
    private string Story() => string.Join('\n', [
        string.Join(", ", Attempts.Select(attempt => $"{attempt.State} ({attempt.ExitCode})")),
        .. new[] { "out", "slurmctld.log", "slurmd-n1.log", "runs/job.log", "runs/job.mail" }.Select(name => _folder.At(name)).Where(File.Exists).Select(log => $"{log}:\n{Shell.Run("tail", "-n", "40", log).Output}"),
        Shell.Run("sh", "-c", """for held in $(find /proc/[0-9]*/fd -lname "$0" 2>/dev/null); do echo "$held:"; ps -o pid,stat,etime,args "$(echo "$held" | cut -d/ -f3)"; done""", $"{RunPath}.lock").Output,
    ]);

    private static bool Tells(string line, string runEvent) => line.StartsWith($"{{\"event\":\"{runEvent}\"", StringComparison.Ordinal);

    private Process Begin(string program, Dictionary<string, string> variables, params string[] arguments)
    {
        Process process = Shell.Start(program, variables, arguments);
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _started.Add(process);
        return process;
    }

    private static string Script(string name) => Path.Combine(TestFiles.Root, "scripts", name);

    private static string Adapted(string script, params (string Old, string New)[] changes)
    {
        string text = File.ReadAllText(Script(script));
        foreach ((string old, string replacement) in changes)
        {
            Assert.Contains(old, text, StringComparison.Ordinal);
            text = text.Replace(old, replacement, StringComparison.Ordinal);
        }

        return text;
    }
}
