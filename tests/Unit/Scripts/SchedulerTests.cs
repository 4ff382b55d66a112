using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using RobustTrain.Runs;
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
    }

    private string RunPath => _folder.At("runs/job");

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
        Begin("unshare", [], "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec", """
            for place in /var/spool/cron /etc/cron.d /run; do mount -t tmpfs tmpfs $place; done
            mkdir /var/spool/cron/crontabs
            mount --bind /dev/null /etc/crontab
            crontab "$0"
            exec cron -f
            """, _folder.At("tab"));

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
        foreach (string target in new[] { "default", "basic", "sysinit", "shutdown", "network-online", "multi-user", "timers" })
            File.WriteAllText(_folder.At($"units/{target}.target"), "[Unit]\nDefaultDependencies=no\n");
        File.WriteAllText(_folder.At("units/robusttrain@.service"), Adapted(
            "systemd/robusttrain@.service", ("/opt/RobustTrain/host/robusttrain", HostRun.Executable), ("/srv/training", _folder.Path), ("RestartSec=10", "RestartSec=1")));
        File.Copy(Script("systemd/robusttrain@.timer"), _folder.At("units/robusttrain@.timer"));
        Process namespaces = Begin(
            "unshare", new() { ["SYSTEMD_UNIT_PATH"] = _folder.At("units"), ["container"] = "lxc" }, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "--ipc",
            "sh", "-ec", "mount -t tmpfs tmpfs /run; exec /lib/systemd/systemd --system --log-target=null --unit=default.target");

        string? first = null;
        (int Code, string Output) Systemctl(params string[] arguments) => Shell.Run("nsenter", ["--target", first!, "--mount", "--root", "--pid", "--uts", "systemctl", .. arguments]);
        string Property(string name) => Systemctl("show", "robusttrain@job", "--property", name, "--value").Output.Trim();
        await Shell.Until(() => (first = Shell.Run("pgrep", "-P", $"{namespaces.Id}").Output.Trim()).Length > 0 && Systemctl("is-system-running").Output.Trim() == "running", Story);

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

    [SchedulerFact("Slurm", "/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/bin/sbatch")]
    public async Task Slurm_queues_a_stopped_or_killed_training_again_but_not_a_cancelled_one()
    {
        Dictionary<string, string> variables = new() { ["SLURM_CONF"] = WriteSlurmConfiguration(), ["ROBUSTTRAIN"] = HostRun.Executable };
        (int Code, string Output) Slurm(string program, params string[] arguments) => Shell.Run(program, variables, arguments);
        Begin("slurmctld", variables, "-D", "-i");
        Begin("unshare", variables, "--pid", "--fork", "--kill-child", "--mount-proc", "slurmd", "-D");
        string Told() => $"{Story()}\n{Slurm("scontrol", "show", "job").Output}\n{Slurm("scontrol", "show", "node").Output}";
        await Shell.Until(() => Slurm("sinfo", "--noheader", "--format=%T").Output.Trim() == "idle", Told);
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

    private IReadOnlyList<RunAttempt> Attempts => RunFolder.IsRun(RunPath) ? RunFolder.ReadRecord(RunPath).Attempts : [];

    // Since the latest attempt began.
    private bool HasTrained => File.Exists(RunFolder.JournalPathOf(RunPath))
        && File.ReadLines(RunFolder.JournalPathOf(RunPath)).LastOrDefault(line => Tells(line, "run_started") || Tells(line, "epoch_finished")) is { } last && Tells(last, "epoch_finished");

    // The attempts, the ends of what was logged, and who holds cron's lock.
    private string Story() => string.Join('\n', [
        string.Join(", ", Attempts.Select(attempt => $"{attempt.State} ({attempt.ExitCode})")),
        .. new[] { "out", "slurmctld.log", "slurmd.log", "runs/job.log", "runs/job.mail" }.Select(name => _folder.At(name)).Where(File.Exists).Select(log => $"{log}:\n{Shell.Run("tail", "-n", "40", log).Output}"),
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

    // Without munge: who asks is not checked, on ports that only this machine knows. A job that is queued again starts once its
    // credential has expired: after half a minute. The other times are for a machine that is busy.
    private string WriteSlurmConfiguration()
    {
        string host = Environment.MachineName;
        Directory.CreateDirectory(_folder.At("state"));
        Directory.CreateDirectory(_folder.At("spool"));
        File.WriteAllText(_folder.At("slurm.conf"), $"""
            ClusterName=proof
            SlurmctldHost={host}(127.0.0.1)
            SlurmUser=root
            AuthType=auth/none
            AuthInfo=cred_expire=30
            CredType=cred/none
            SlurmctldPort={FreePort()}
            SlurmdPort={FreePort()}
            ProctrackType=proctrack/linuxproc
            TaskPlugin=task/none
            StateSaveLocation={_folder.At("state")}
            SlurmdSpoolDir={_folder.At("spool")}
            SlurmctldPidFile={_folder.At("slurmctld.pid")}
            SlurmdPidFile={_folder.At("slurmd.pid")}
            SlurmctldLogFile={_folder.At("slurmctld.log")}
            SlurmdLogFile={_folder.At("slurmd.log")}
            MessageTimeout=60
            BatchStartTimeout=120
            KillWait=300
            ReturnToService=2
            NodeName={host} NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN
            PartitionName=all Nodes=ALL Default=YES State=UP

            """);
        return _folder.At("slurm.conf");
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
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
