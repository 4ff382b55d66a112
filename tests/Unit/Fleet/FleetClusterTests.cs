using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using RobustTrain.Fleet.State;
using RobustTrain.Runs;
using RobustTrain.Tests.Host;

namespace RobustTrain.Tests.Fleet;

/// <summary>The executable on three hosts over a real ssh: six configurations, and everything that can go wrong on the way.</summary>
public sealed class FleetClusterTests : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(30);

    private readonly TemporaryFolder _folder = new();

    private string Fleet => _folder.At("fleet of Ann's $(runs)");

    [ClusterFact]
    public async Task Six_runs_finish_whatever_dies_and_have_the_bits_of_runs_by_hand()
    {
        TinyPairs.Write(_folder.At("data"));
        string[] names = ["one", "two", "three", "four", "five", "six"];
        foreach ((int seed, string name) in names.Index())
            File.WriteAllText(_folder.At($"{name}.yaml"), Configuration(seed));
        using FleetCluster cluster = new(Directory.CreateDirectory(_folder.At("cluster")).FullName);
        string command = $"cd '{_folder.Path}' && exec '{HostRun.Executable}' fleet run {string.Join(' ', names.Select(name => $"{name}.yaml"))} --host gpu01 --host gpu02 --host gpu03 --ssh-config '{cluster.SshConfig}' --path {Quoted(Fleet)}"
            + " --gpu-source simulated:2 --gpu-utilization-below 101 --gpu-memory-free 0 --cpu-utilization-below 101 --memory-free 0 --load-per-core-below 10000"
            + " --start-interval 0 --interval 0.5 --backoff 1 --max-restarts 1000 --stop-grace 2 --host-lost-after 25 --clock-tolerance 600 --timeout 600";
        void StartFleet(int stuckAfter = 100_000) => cluster.Do($"({command} --stuck-after {stuckAfter} >> fleet.log 2>&1 & echo $! > '{cluster.Folder}/fleet.pid')");
        void KillFleet() => cluster.Do($"fleet=$(cat '{cluster.Folder}/fleet.pid'); kill -9 $fleet; while kill -0 $fleet 2>/dev/null; do sleep 0.05; done");

        // Each run gets one of the six GPUs, and stands still from then on, so that nothing is over before its fault.
        StartFleet();
        await Until(cluster, () => Living(names) == names.Length);
        foreach (string name in names)
            cluster.Do($"kill -STOP {ProcessOf(name)}");
        string[] there = [.. Read().Members.Where(member => member.Start!.Host == "gpu01").Select(member => member.Name)];
        (string failing, string stuck) = (there[0], there[1]);

        // A second one is told who holds it, and changes nothing.
        (int code, string said) = cluster.Do($"({command}) 2>&1");
        Assert.Equal(2, code);
        Assert.Contains("holds the fleet at", said);
        KillFleet();
        StartFleet();

        // One fails twice.
        int first = ProcessOf(failing)!.Value;
        cluster.Do($"kill -9 {first}");
        await Until(cluster, () => ProcessOf(failing) is { } next && next != first);
        KillFleet();
        cluster.Do($"kill -9 {ProcessOf(failing)}");
        StartFleet();

        // A host dies with all that is on it.
        cluster.Unplug("gpu03");
        await Until(cluster, () => Events().Any(happened => happened is StartEnded { Outcome: StartOutcome.HostLost }));
        KillFleet();
        StartFleet();

        // One stays stuck, the others go on. On a loaded machine more of them seem stuck; so only until it is found.
        foreach (string name in names.Where(name => name != stuck))
            cluster.Do($"kill -CONT {ProcessOf(name)} 2>/dev/null");
        KillFleet();
        StartFleet(stuckAfter: 5);
        await Until(cluster, () => Events().OfType<EndAsked>().Any(asked => asked.Reason == EndReason.Stuck && Events().OfType<StartIntended>().Any(start => start.Start == asked.Start && start.Member == stuck)));
        KillFleet();
        StartFleet();
        await Until(cluster, () => cluster.Do($"kill -0 $(cat '{cluster.Folder}/fleet.pid') 2>/dev/null").Code != 0);

        Assert.All(names, name => Assert.Equal(RunState.Finished, RunFolder.ReadRecord(Run(name)).State));
        NothingWasStartedTwice(names);
        (int _, string left) = cluster.Do($"pgrep -f -- --start-id; true");
        Assert.Equal("", left);

        foreach (string name in names)
        {
            HostRun hand = await HostRun.To(_folder.Path, "train", $"{name}.yaml", "--run-path", $"hand/{name}");
            Assert.Equal(0, hand.ExitCode);
            Assert.Equal(WeightsOf(_folder.At("hand", name)), WeightsOf(Run(name)));
        }
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
          epochs: 40
          log_interval_seconds: 0
        """;

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private string Run(string name) => FleetFolder.RunPathOf(Fleet, name);

    private FleetState Read() => FleetFolder.IsFleet(Fleet) ? FleetFolder.Read(Fleet) : FleetState.Empty;

    // What follows the last line feed was torn by a kill.
    private IEnumerable<FleetEvent> Events() => File.Exists(FleetFolder.JournalPathOf(Fleet))
        ? File.ReadAllText(FleetFolder.JournalPathOf(Fleet)).Split('\n')[..^1].Select(line => JsonSerializer.Deserialize(line, FleetJson.Default.FleetEvent)!)
        : [];

    // A start's handle is its process in the cluster's own numbering, in which the signals are sent.
    private int? ProcessOf(string name) => Read().Find(name)?.Start?.Handle?.Process?.ProcessId is { } process && RunFolder.IsRun(Run(name)) ? process : null;

    private int Living(string[] names) => names.Count(name => ProcessOf(name) is not null);

    private async Task Until(FleetCluster cluster, Func<bool> reached)
    {
        for (long began = Stopwatch.GetTimestamp(); !reached(); await Task.Delay(200))
        {
            if (Stopwatch.GetElapsedTime(began) > s_limit)
                Assert.Fail($"It did not come to that: {cluster.Do($"tail -n 60 '{_folder.Path}/fleet.log'").Output}");
        }
    }

    // Of each run: no start before the one before has ended, and of each start at most one process, which the run's record tells.
    private void NothingWasStartedTwice(string[] names)
    {
        FleetState state = FleetState.Empty;
        foreach (FleetEvent happened in Events())
        {
            if (happened is StartIntended intended)
                Assert.Null(state.Find(intended.Member)!.Start);
            Assert.False(happened is StartEnded { Outcome: StartOutcome.RunInUse }, happened.ToString());
            state = state.Apply(happened);
        }

        Assert.All(names, name => Assert.True(RunFolder.ReadRecord(Run(name)).Attempts.Count <= Directory.GetFiles(Path.Combine(Fleet, ".fleet", "starts")).Length));
        Assert.Contains(names, name => RunFolder.ReadRecord(Run(name)).Attempts.Count >= 3);
    }

    private static string[] WeightsOf(string run)
    {
        string newest = Directory.GetDirectories(RunFolder.CheckpointsPathOf(run)).Where(folder => Directory.GetFiles(folder, "*.safetensors").Length > 0).Order(StringComparer.Ordinal).Last();
        string[] weights = [.. Directory.GetFiles(newest, "*.safetensors").Order(StringComparer.Ordinal).Select(file => $"{Path.GetRelativePath(run, file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}")];
        Assert.NotEmpty(weights);
        return weights;
    }
}
