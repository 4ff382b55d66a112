using System.Diagnostics;
using System.Runtime.Versioning;
using RobustTrain.Runs;
using RobustTrain.Tests.Host;
using RobustTrain.Tests.Monitoring;
using RobustTrain.Tests.Runs;

namespace RobustTrain.Tests.Scripts;

/// <summary>The sample for systemd under the real systemd, in namespaces of its own.</summary>
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
        (int Code, string Output) Systemctl(params string[] arguments) => Shell.Run("nsenter", ["--target", first!, "--mount", "--pid", "--uts", "systemctl", .. arguments]);
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

    private IReadOnlyList<RunAttempt> Attempts => RunFolder.IsRun(RunPath) ? RunFolder.ReadRecord(RunPath).Attempts : [];

    // Since the latest attempt began.
    private bool HasTrained => File.ReadLines(RunFolder.JournalPathOf(RunPath)).LastOrDefault(line => Tells(line, "run_started") || Tells(line, "epoch_finished")) is { } last && Tells(last, "epoch_finished");

    private string Story() => $"{string.Join(", ", Attempts.Select(attempt => attempt.State))}";

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
