using System.Diagnostics;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using RobustTrain.Runs;
using RobustTrain.Tests.Host;
using RobustTrain.Tests.Monitoring;

namespace RobustTrain.Tests.Scripts;

/// <summary>The batch script on several nodes: a Slurm of the test's own, with two slurmd on this machine.</summary>
[UnsupportedOSPlatform("windows")]
[Trait("Kind", "Cluster")]
public sealed class SlurmRanksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<Process> _started = [];

    public SlurmRanksTests()
    {
        TinyPairs.Write(_folder.At("data"));
        File.WriteAllText(_folder.At("job.yaml"), $"data: {{path: {_folder.At("data")}, dataset: change-pairs, crop_size: 32, enlarge_ratio: 25}}\nmodel: {{base_channels: 4}}\nloader: {{batch_size: 4, num_workers: 1}}\ntrainer: {{epochs: 4, shards: 4, log_interval_seconds: 0}}\ncheckpoint: {{every_steps: 10}}\nthreads: 1\n");
    }

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

    [SchedulerFact("Slurm with MPI", "/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/bin/sbatch", "/usr/bin/mpiexec.mpich")]
    public async Task A_training_on_two_nodes_that_is_preempted_three_times_ends_with_the_bits_of_one_untouched()
    {
        Dictionary<string, string> variables = new() { ["SLURM_CONF"] = SlurmConfiguration.Write(_folder.Path, nodes: 2, cpus: 1), ["ROBUSTTRAIN"] = HostRun.Executable };
        string Slurm(string program, params string[] arguments) => Shell.Run(program, variables, arguments).Output.Trim();
        Begin("slurmctld", variables, "-D", "-i");

        // In one namespace, so that the nodes' processes see each other and end with the test.
        Begin("unshare", variables, "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", "slurmd -D -N n1 & slurmd -D -N n2 & wait");
        string Story() => string.Join('\n', [Slurm("scontrol", "show", "job"), Slurm("scontrol", "show", "node"), .. new[] { "out", "slurmctld.log", "slurmd-n1.log", "slurmd-n2.log" }.Select(name => _folder.At(name)).Where(File.Exists).Select(log => $"{log}:\n{Shell.Run("tail", "-n", "40", log).Output}")]);
        await Shell.Until(() => Slurm("sinfo", "--noheader", "--Node", "--partition=low", "--format=%T").Split('\n') is ["idle", "idle"], Story);

        Assert.Equal(0, (await HostRun.To(_folder.Path, "train", _folder.At("job.yaml"), "--run-path", _folder.At("untouched"))).ExitCode);
        string job = Slurm("sbatch", "--parsable", "--partition=low", "--gres=none", "--nodes=2", "--ntasks-per-node=1", "--cpus-per-task=1", $"--output={_folder.At("out")}", Path.Combine(TestFiles.Root, "scripts/slurm/robusttrain.sbatch"), _folder.At("job.yaml"), _folder.At("preempted"));
        for (int preemption = 1; preemption <= 3; preemption++)
        {
            await Shell.Until(() => Starts == preemption && HasTrained, Story);
            Slurm("sbatch", "--partition=high", "--nodes=2", "--ntasks-per-node=1", "--output=/dev/null", "--wrap=true");
            await Shell.Until(() => RunFolder.ReadRecord(_folder.At("preempted")).Attempts is { Count: var count } attempts && count == preemption && attempts[^1].State == RunState.Stopped, Story);
        }

        await Shell.Until(() => RunFolder.ReadRecord(_folder.At("preempted")).State == RunState.Finished, Story);
        Assert.Equal(BitsOf("untouched"), BitsOf("preempted"));
        await Shell.Until(() => Slurm("squeue", "--noheader", "--states=all", $"--jobs={job}", "--format=%T") == "COMPLETED", Story);
    }

    private int Starts => RunFolder.IsRun(_folder.At("preempted")) ? RunFolder.ReadRecord(_folder.At("preempted")).Attempts.Count : 0;

    // Since the latest attempt began.
    private bool HasTrained => File.Exists(RunFolder.JournalPathOf(_folder.At("preempted"))) && File.ReadLines(RunFolder.JournalPathOf(_folder.At("preempted"))).LastOrDefault(line => Tells(line, "run_started") || Tells(line, "step")) is { } last && Tells(last, "step");

    private static bool Tells(string line, string runEvent) => line.StartsWith($"{{\"event\":\"{runEvent}\"", StringComparison.Ordinal);

    // Weights, states, losses and scores.
    private string[] BitsOf(string run) =>
    [
        .. Directory.EnumerateFiles(_folder.At(run), "*", SearchOption.AllDirectories)
            .Where(file => file.Contains("/epochs/", StringComparison.Ordinal) || file.Contains("/checkpoints/epoch-0003/", StringComparison.Ordinal) || Path.GetFileName(file) == "test.json")
            .Where(file => Path.GetFileName(file) is not ("manifest.json" or "ledger.json"))
            .Select(file => $"{Path.GetRelativePath(_folder.At(run), file)} {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))}")
            .Order(StringComparer.Ordinal),
    ];

    private void Begin(string program, Dictionary<string, string> variables, params string[] arguments)
    {
        Process process = Shell.Start(program, variables, arguments);
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _started.Add(process);
    }
}
