using System.Diagnostics;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text.Json;
using RobustTrain.Fleet.State;
using RobustTrain.Runs;
using RobustTrain.Tests.Host;
using RobustTrain.Tests.Scripts;

namespace RobustTrain.Tests.Fleet;

/// <summary>The executable on three hosts, over a real ssh and by a real Slurm: six configurations, and everything that can go wrong on the way.</summary>
[UnsupportedOSPlatform("windows")]
[Trait("Kind", "Cluster")]
public sealed class FleetClusterTests : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(30);
    private static readonly string[] s_names = ["one", "two", "three", "four", "five", "six"];

    private readonly TemporaryFolder _folder = new();

    private string Fleet => _folder.At("fleet of Ann's $(runs)");

    [ClusterFact]
    public async Task Six_runs_over_ssh_finish_whatever_dies_and_have_the_bits_of_runs_by_hand()
    {
        using FleetCluster cluster = new SshCluster(Directory.CreateDirectory(_folder.At("cluster")).FullName);
        await FinishAmongFaults(cluster);
    }

    [SchedulerFact("Slurm", "/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/bin/sbatch")]
    public async Task Six_runs_by_Slurm_finish_whatever_dies_and_have_the_bits_of_runs_by_hand()
    {
        using FleetCluster cluster = new SlurmCluster(Directory.CreateDirectory(_folder.At("cluster")).FullName);
        await FinishAmongFaults(cluster);
    }

    private async Task FinishAmongFaults(FleetCluster cluster)
    {
        TinyPairs.Write(_folder.At("data"));
        foreach ((int seed, string name) in s_names.Index())
            File.WriteAllText(_folder.At($"{name}.yaml"), Configuration(seed));
        string command = $"cd '{_folder.Path}' && exec '{HostRun.Executable}' fleet run {string.Join(' ', s_names.Select(name => $"{name}.yaml"))} {cluster.Options} --path {Quoted(Fleet)}"
            + " --gpu-utilization-below 101 --gpu-memory-free 0 --cpu-utilization-below 101 --memory-free 0 --load-per-core-below 10000"
            + " --start-interval 0 --interval 0.5 --backoff 1 --max-restarts 1000 --stop-grace 2 --clock-tolerance 600 --timeout 600";
        int opened = 0;
        async Task StartFleet(int stuckAfter = 100_000)
        {
            cluster.Do($"({command} --stuck-after {stuckAfter} >> fleet.log 2>&1 & echo $! > '{cluster.Folder}/fleet.pid')");
            opened++;
            await Until(cluster, () => Events().OfType<FleetOpened>().Count() == opened);
        }

        void KillFleet() => cluster.Do($"fleet=$(cat '{cluster.Folder}/fleet.pid'); kill -9 $fleet; while kill -0 $fleet 2>/dev/null; do sleep 0.05; done");

        // Each run gets one of the six GPUs, and stands still as soon as it is there, so that nothing is over before its fault.
        await StartFleet();
        HashSet<string> still = [];
        await Until(cluster, () =>
        {
            still.UnionWith(s_names.Where(name => !still.Contains(name) && ProcessOf(name) is { } process && cluster.Do($"kill -STOP {process}").Code == 0));
            return still.Count == s_names.Length;
        });
        Dictionary<string, FleetStart> starts = Read().Members.ToDictionary(member => member.Name, member => member.Start!);
        Dictionary<string, string> hosts = starts.ToDictionary(start => start.Key, start => cluster.HostOf(start.Value));
        Assert.All(hosts.CountBy(host => host.Value), host => Assert.Equal(2, host.Value));
        string dying = hosts[s_names[^1]];
        string[] lost = [.. s_names.Where(name => hosts[name] == dying)];
        (string failing, string stuck) = (s_names.Except(lost).First(), s_names.Except(lost).Last());

        // A second one is told who holds it, and changes nothing.
        (int code, string said) = cluster.Do($"({command}) 2>&1");
        Assert.Equal(2, code);
        Assert.Contains("holds the fleet at", said);
        KillFleet();
        await StartFleet();

        // One fails twice.
        int first = ProcessOf(failing)!.Value;
        cluster.Do($"kill -9 {first}");
        await Until(cluster, () => ProcessOf(failing) is { } next && next != first && RunFolder.ReadRecord(Run(failing)).Process.ProcessId == next && cluster.Do($"kill -STOP {next}").Code == 0);
        KillFleet();
        cluster.Do($"kill -9 {ProcessOf(failing)}");
        await StartFleet();

        // A host dies with all that is on it; while that is found out the same configurations are trained by hand.
        cluster.Unplug(dying);
        Task byHand = TrainByHand();
        await Until(cluster, () => lost.All(name => Events().OfType<StartEnded>().Any(ended => ended.Start == starts[name].Id)));
        KillFleet();
        await StartFleet();

        // One stays stuck, the others go on. On a loaded machine more of them seem stuck; so only until it is found.
        foreach (string name in s_names.Where(name => name != stuck))
            cluster.Do($"kill -CONT {ProcessOf(name)} 2>/dev/null");
        KillFleet();
        await StartFleet(stuckAfter: 5);
        await Until(cluster, () => Events().OfType<EndAsked>().Any(asked => asked.Reason == EndReason.Stuck && asked.Start == starts[stuck].Id));
        KillFleet();
        await StartFleet();
        await Until(cluster, () => cluster.Do($"kill -0 $(cat '{cluster.Folder}/fleet.pid') 2>/dev/null").Code != 0);

        Assert.All(s_names, name => Assert.Equal(RunState.Finished, RunFolder.ReadRecord(Run(name)).State));
        NothingWasStartedTwice();
        Assert.True(RunFolder.ReadRecord(Run(failing)).Attempts.Count >= 3);
        (int _, string left) = cluster.Do("pgrep -f -- --start-id; true");
        Assert.Equal("", left);
        await byHand;
        Assert.All(s_names, name => Assert.Equal(WeightsOf(_folder.At("hand", name)), WeightsOf(Run(name))));
    }

    public void Dispose() => _folder.Dispose();

    private static string Configuration(int seed) => $"""
        seed: {seed}
        device: auto
        threads: 1
        data:
          path: data
          dataset: change-pairs
          crop_size: 32
        loader:
          batch_size: 2
          num_workers: 1
        model:
          base_channels: 2
        trainer:
          epochs: 20
          log_interval_seconds: 0
        """;

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private string Run(string name) => FleetFolder.RunPathOf(Fleet, name);

    private FleetState Read() => FleetFolder.IsFleet(Fleet) ? FleetFolder.Read(Fleet) : FleetState.Empty;

    // What follows the last line feed was torn by a kill.
    private IEnumerable<FleetEvent> Events() => File.Exists(FleetFolder.JournalPathOf(Fleet))
        ? File.ReadAllText(FleetFolder.JournalPathOf(Fleet)).Split('\n')[..^1].Select(line => JsonSerializer.Deserialize(line, FleetJson.Default.FleetEvent)!)
        : [];

    // In the cluster's own numbering, in which the signals are sent. Of a scheduler's job the run's record tells it, once the job works on the run.
    private int? ProcessOf(string name)
    {
        if (Read().Find(name)?.Start is not { Handle: { } handle } start || !RunFolder.IsRun(Run(name)))
            return null;
        if (handle.Process is { } process)
            return process.ProcessId;
        RunAttempt last = RunFolder.ReadRecord(Run(name)).Attempts[^1];
        return last.Started > start.Time ? last.Process.ProcessId : null;
    }

    private async Task TrainByHand()
    {
        foreach (string name in s_names)
            Assert.Equal(0, (await HostRun.To(_folder.Path, "train", $"{name}.yaml", "--run-path", $"hand/{name}")).ExitCode);
    }

    private async Task Until(FleetCluster cluster, Func<bool> reached)
    {
        for (long began = Stopwatch.GetTimestamp(); !reached(); await Task.Delay(200))
        {
            if (Stopwatch.GetElapsedTime(began) > s_limit)
                Assert.Fail($"It did not come to that: {cluster.Do($"tail -n 60 '{_folder.Path}/fleet.log'").Output}");
        }
    }

    // Of each run: no start before the one before has ended, and of each start at most one process that worked on the run.
    private void NothingWasStartedTwice()
    {
        FleetState state = FleetState.Empty;
        foreach (FleetEvent happened in Events())
        {
            if (happened is StartIntended intended)
                Assert.Null(state.Find(intended.Member)!.Start);
            Assert.False(happened is StartEnded { Outcome: StartOutcome.RunInUse }, happened.ToString());
            state = state.Apply(happened);
        }

        Assert.All(s_names, name => Assert.InRange(RunFolder.ReadRecord(Run(name)).Attempts.Count, 1, Events().OfType<StartIntended>().Count(start => start.Member == name)));
    }

    private static string[] WeightsOf(string run)
    {
        string newest = Directory.GetDirectories(RunFolder.CheckpointsPathOf(run)).Where(folder => Directory.GetFiles(folder, "*.safetensors").Length > 0).Order(StringComparer.Ordinal).Last();
        string[] weights = [.. Directory.GetFiles(newest, "*.safetensors").Order(StringComparer.Ordinal).Select(file => $"{Path.GetRelativePath(run, file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}")];
        Assert.NotEmpty(weights);
        return weights;
    }
}
