using System.Diagnostics;
using RobustTrain.Data;
using RobustTrain.Host.Limits;
using RobustTrain.Runs;
using RobustTrain.Tests.Data;

namespace RobustTrain.Tests.Host;

public sealed class SystemLimitsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Too_few_descriptors_are_named_with_their_number_and_what_is_needed()
    {
        SystemLimits limits = new() { Descriptors = 250 };
        limits.Check(WorkerKind.Thread, workers: 8, threads: 2);

        RunException refusal = Assert.Throws<RunException>(() => limits.Check(WorkerKind.Process, workers: 8, threads: 2));

        Assert.Equal((ExitCode.Configuration, "LimitTooLow"), (refusal.ExitCode, refusal.ErrorId));
        Assert.Equal(
            "The limit of open files (ulimit -n) is 250, but 352 are needed with 8 process workers: raise it, in a service by LimitNOFILE, or take fewer workers (loader.num_workers).",
            refusal.Message);
    }

    [Fact]
    public void Too_few_processes_are_named_with_those_in_use_and_what_is_needed()
    {
        SystemLimits limits = new() { Tasks = [new TaskLimit("ulimit -u", 1000, 1), new TaskLimit("pids.max of /g", 120, 30)] };
        limits.Check(WorkerKind.Thread, workers: 8, threads: 2);

        RunException refusal = Assert.Throws<RunException>(() => limits.Check(WorkerKind.Process, workers: 8, threads: 2));

        Assert.Equal(
            "The limit of processes and threads (pids.max of /g) is 120, of which 30 are in use, but 130 more are needed with 8 process workers: raise it, in a service by TasksMax or LimitNPROC, or take fewer workers (loader.num_workers).",
            refusal.Message);
    }

    [Fact]
    public void No_limit_refuses_nothing()
    {
        new SystemLimits().Check(WorkerKind.Process, workers: 1000, threads: 1000);
        Assert.Null(new SystemLimits().Exhausted());
    }

    [Fact]
    public void A_limit_that_is_used_up_is_named()
    {
        Assert.Contains("(ulimit -n), 3, is used up", new SystemLimits { Descriptors = 3 }.Exhausted(), StringComparison.Ordinal);
        Assert.Contains("(ulimit -u), 40, is used up", new SystemLimits { Tasks = [new TaskLimit("ulimit -u", 40, 40)] }.Exhausted(), StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_of_control_groups_and_of_those_above_them_are_read()
    {
        Write("cgroup/a/b/pids.max", "max\n");
        Write("cgroup/a/b/pids.current", "5\n");
        Write("cgroup/a/pids.max", "100\n");
        Write("cgroup/a/pids.current", "60\n");
        Write("cgroup/pids/old/pids.max", "70\n");
        Write("cgroup/pids/old/pids.current", "7\n");
        Write("membership", "9:name=systemd:/\n8:pids:/old\n0::/a/b\n");

        Assert.Equal(
            [("old", 70L, 7L), ("a", 100L, 60L)],
            TaskLimit.OfControlGroups(_folder.At("membership"), _folder.At("cgroup")).Select(limit => (Path.GetFileName(limit.Name), limit.Limit, limit.InUse)));
    }

    [Fact]
    public void The_threads_of_one_user_are_counted()
    {
        Write("proc/1/status", "Name:\ta\nUid:\t1000\t0\t0\t0\nThreads:\t3\n");
        Write("proc/22/status", "Name:\tb\nUid:\t1000\t1000\t1000\t1000\nThreads:\t4\n");
        Write("proc/23/status", "Name:\tb\nUid:\t0\t0\t0\t0\nThreads:\t50\n");
        Write("proc/sys/status", "");

        Assert.Equal(7, TaskLimit.TasksOf(_folder.At("proc"), 1000));
    }

    [LinuxTheory("Windows has no such limit.")]
    [InlineData(32, "The limit of open files (ulimit -n) is 32, but at least 128 are needed")]
    [InlineData(100, "The limit of open files (ulimit -n) is 100, but at least 128 are needed")]
    [InlineData(200, "The limit of open files (ulimit -n) is 200, but 256 are needed with 2 process workers")]
    public async Task A_training_with_too_few_descriptors_ends_before_anything_is_created(int limit, string message)
    {
        HostRun run = await Limited("sh", "-c", $"ulimit -n {limit}; exec \"$0\" \"$@\"", HostRun.Executable);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith(message, Assert.Single(run.Sentences), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("run")));
    }

    [RightsTheory(AsOtherUser = true)]
    [InlineData(40)]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task A_training_with_too_few_processes_ends_before_anything_is_created(int limit)
    {
        // Root has no such limit.
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0x1ff);
        string[] other = Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", "65534", "--clear-groups"] : ["env"];
        HostRun run = await Limited(other[0], [.. other[1..], "prlimit", $"--nproc={limit}", HostRun.Executable]);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"The limit of processes and threads (ulimit -u) is {limit}, of which ", Assert.Single(run.Sentences), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("run")));
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.At(path))!);
        File.WriteAllText(_folder.At(path), text);
    }

    private async Task<HostRun> Limited(string command, params string[] arguments)
    {
        TinyPairs.Write(_folder.At("data"));
        return await HostRun.EndOf(Process.Start(new ProcessStartInfo(
            command,
            [
                .. arguments, "train", "--run-path", "run", "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32",
                "--set", "loader.batch_size=2", "--set", "loader.num_workers=2", "--set", "loader.worker_kind=process", "--set", "threads=1",
            ])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
    }
}
