using RobustTrain.Fleet;
using RobustTrain.Fleet.Hosts;
using RobustTrain.Fleet.State;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Tests.Host;
using RobustTrain.Tests.Monitoring;

namespace RobustTrain.Tests.Fleet;

/// <summary>Hosts as a fleet reaches them: what each answers, and why one can't be used.</summary>
public sealed class FleetHostTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);
    private static readonly string s_version = RunVersions.Current().RobustTrain;

    private readonly TemporaryFolder _folder = new();
    private readonly ChildGuard _guard = new();
    private readonly FleetFolder _fleet;

    public FleetHostTests() => _fleet = FleetFolder.Open(_folder.At("it's a fleet"), "1", TimeProvider.System);

    public static TheoryData<string, string> Answers => new()
    {
        { "hello 9.9", "it has robusttrain 9.9, this fleet is " + s_version + ": install the same" },
        { $"hello {s_version}; read x; reading true '2000-01-01T00:00:00Z'; read x", "behind this machine's" },
        { $"hello {s_version}; read x; reading true '2100-01-01T00:00:00Z'; read x", "ahead of this machine's" },
        { $"hello {s_version}; read x; reading false \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"; read x", "hosts need a shared disk" },
        { $"hello {s_version}; read x; echo no answer; read x", "its agent gave an answer that this version does not know" },
        { $"hello {s_version}; echo the reason >&2; exit 9", "its agent ended with exit code 9: the reason" },
    };

    [LinuxTheory("The stand-in of an agent is a script of sh.")]
    [MemberData(nameof(Answers))]
    public async Task A_host_that_can_not_be_used_says_why(string script, string reason)
    {
        using AgentHost host = new("localhost", Access(Program(script), s_patience), _guard);

        Assert.Contains(reason, (await host.ObserveAsync([], CancellationToken.None)).Problem);
    }

    [LinuxFact("The stand-in of an agent is a script of sh.")]
    public async Task A_host_that_does_not_answer_is_given_up_and_asked_anew()
    {
        using AgentHost host = new("localhost", Access(Program("exec sleep 1000"), TimeSpan.FromSeconds(1)), _guard);

        Assert.Equal("it did not answer within 1 s", (await host.ObserveAsync([], CancellationToken.None)).Problem);
        Assert.Equal("it did not answer within 1 s", (await host.ObserveAsync([], CancellationToken.None)).Problem);
    }

    [LinuxFact("Elsewhere a process is not found by its arguments.")]
    public async Task An_agent_tells_of_its_host_and_starts_no_run_that_was_given_up()
    {
        using AgentHost host = new("localhost", Access(HostRun.Executable, s_patience), _guard);
        FleetStart lost = new("0123", "localhost", null, null, default);

        HostObservation seen = await host.ObserveAsync([lost], CancellationToken.None);

        Assert.Null(seen.Problem);
        Assert.Equal(["cuda:0", "cuda:1"], seen.Gpus.Select(gpu => gpu.Device));
        Assert.True(seen is { Cores: > 0, MemoryFreeBytes: > 0, DiskFreeBytes: > 0, CpuPercent: not null });
        Assert.Equal(SightingState.Never, seen.Starts["0123"].State);
        StartOrder order = new(_fleet.Path, "0123", _folder.Path, ["config", "show"], null, "a", false);
        Assert.Equal("The start was given up before.", (await Assert.ThrowsAsync<FleetHostException>(() => host.StartAsync(order, CancellationToken.None))).Message);
    }

    [LinuxFact("Elsewhere a process is not found by its arguments.")]
    public async Task A_start_is_found_by_its_id_ended_and_its_output_kept()
    {
        using AgentHost host = new("localhost", Access(HostRun.Executable, s_patience), _guard);
        Directory.CreateDirectory(_folder.At("data"));

        // It fails, since there are no data; until then it lives.
        StartOrder order = new(_fleet.Path, "4567", _folder.Path, ["train", "--set", "data.path=data", "--run-path", _folder.At("run"), "--events"], "1", "a", false);
        StartHandle handle = await host.StartAsync(order, CancellationToken.None);
        FleetStart start = new("4567", "localhost", null, null, default) { Handle = handle };
        HostObservation seen;
        do
            seen = await host.ObserveAsync([start with { Handle = null }, start with { Id = "89ab" }], CancellationToken.None);
        while (seen.Starts["4567"].State is SightingState.Alive or SightingState.Unsettled);

        Assert.Equal(SightingState.Gone, seen.Starts["4567"].State);
        Assert.Contains("\"exit_code\":2", File.ReadAllText(FleetFolder.StartLogOf(_fleet.Path, "4567")));
        await host.EndAsync(handle, kill: true, CancellationToken.None);
    }

    [SshFact]
    public async Task A_host_over_ssh_is_found_by_path_or_by_the_path_and_says_why_it_is_not()
    {
        using SshServer server = new("gpu01");
        HostAccess access = Access(_folder.At("it's $(not) there"), s_patience) with { Ssh = server.Options };
        using (AgentHost without = new("gpu01", access, _guard))
            Assert.Equal("it has no robusttrain: neither at this program's place nor on its path", (await without.ObserveAsync([], CancellationToken.None)).Problem);

        server.Install("robusttrain", $"#!/bin/sh\nDOTNET_ROOT='{FleetCluster.DotNetRoot}' exec '{HostRun.Executable}' \"$@\"\n");
        using AgentHost onPath = new("gpu01", access, _guard);
        Assert.Null((await onPath.ObserveAsync([], CancellationToken.None)).Problem);

        // The same at a place whose name a shell would take apart.
        string link = _folder.At("it's $(a) \"place\"; here");
        File.CreateSymbolicLink(link, Path.Combine(server.Bin, "robusttrain"));
        using (AgentHost atPlace = new("gpu01", access with { Executable = link }, _guard))
            Assert.Null((await atPlace.ObserveAsync([], CancellationToken.None)).Problem);

        server.Kill();
        Assert.True((await onPath.ObserveAsync([], CancellationToken.None)).SilentFor > TimeSpan.Zero);
        Assert.Contains("refused the connection", (await onPath.ObserveAsync([], CancellationToken.None)).Problem);
        using AgentHost unknown = new("nowhere.invalid", access, _guard);
        Assert.NotNull((await unknown.ObserveAsync([], CancellationToken.None)).Problem);
        server.Start();
    }

    [LinuxFact("The stand-in of Slurm is made of scripts of sh.")]
    public async Task Slurm_takes_starts_and_tells_of_them()
    {
        string bin = SlurmStandIn();
        using SlurmHost host = new("/bin/echo", _fleet.Path, ["--partition=gpu"], bin);
        FleetStart start = new("feed", SlurmHost.Name, null, null, DateTimeOffset.UtcNow);
        File.WriteAllText(Path.Combine(bin, "hold"), "");

        Assert.Equal(SightingState.Unsettled, (await host.ObserveAsync([start], CancellationToken.None)).Starts["feed"].State);
        StartHandle handle = await host.StartAsync(new StartOrder(_fleet.Path, "feed", _folder.Path, ["train", "it's $(here).yaml"], null, "a", NeedsGpu: true), CancellationToken.None);
        Assert.Equal("1", handle.Job);
        string[] said = File.ReadAllLines(Path.Combine(bin, "1.args"));
        Assert.Contains("--job-name=a.feed", said);
        Assert.Contains("--gres=gpu:1", said);
        Assert.Equal("--partition=gpu", said[^1]);

        // Found by its name where the answer was lost.
        StartSighting waiting = (await host.ObserveAsync([start], CancellationToken.None)).Starts["feed"];
        Assert.Equal((SightingState.Waiting, "1"), (waiting.State, waiting.Handle!.Job));

        File.Delete(Path.Combine(bin, "hold"));
        HostObservation seen;
        do
            seen = await host.ObserveAsync([start with { Handle = handle }], CancellationToken.None);
        while (seen.Starts["feed"].State is SightingState.Alive or SightingState.Waiting);
        Assert.Equal((SightingState.Gone, "COMPLETED"), (seen.Starts["feed"].State, seen.Starts["feed"].Word));
        Assert.Equal("train it's $(here).yaml --start-id feed\n", File.ReadAllText(FleetFolder.StartLogOf(_fleet.Path, "feed")));

        await host.EndAsync(handle, kill: true, CancellationToken.None);
        Assert.Equal("1", File.ReadAllText(Path.Combine(bin, "cancelled")).Trim());

        File.WriteAllText(Path.Combine(bin, "squeue"), "#!/bin/sh\necho Unable to contact the controller >&2; exit 1\n");
        Assert.Equal("squeue refused with exit code 1: Unable to contact the controller", (await host.ObserveAsync([start], CancellationToken.None)).Problem);
    }

    public void Dispose()
    {
        _guard.Dispose();
        _fleet.Dispose();
        _folder.Dispose();
    }

    private HostAccess Access(string executable, TimeSpan timeout) => new(_fleet.Path, _fleet.State.Id, executable, "simulated:2", new SshOptions(), TimeSpan.FromMinutes(10), timeout);

    private string Program(string script) => Install(_folder.At("agent"), $$"""
        hello() { echo "@robusttrain-fleet {\"version\":\"$1\",\"machine\":\"x\"}"; }
        reading() { echo "{\"reading\":{\"now\":\"$2\",\"sees_fleet\":$1} }"; }
        {{script}}
        """);

    // Slurm as far as a fleet uses it: one job at a time, of which squeue tells while it lives, and sacct afterwards.
    private string SlurmStandIn()
    {
        string bin = Directory.CreateDirectory(_folder.At("slurm")).FullName;
        Install(Path.Combine(bin, "sbatch"), $$"""
            cd '{{bin}}'; printf '%s\n' "$@" > 1.args; cat > 1.sh
            for word; do case $word in --output=*) output=$(echo "$word" | cut -d= -f2-) ;; esac; done
            (while [ -e hold ]; do sleep 0.05; done; echo > 1.began; sh 1.sh >> "$output" 2>&1; echo > 1.ended) >/dev/null 2>&1 &
            echo 1
            """);
        Install(Path.Combine(bin, "squeue"), $"cd '{bin}'; [ -e 1.args ] || exit 0; if [ -e 1.ended ]; then exit 0; elif [ -e 1.began ]; then echo '1|RUNNING|a.feed'; else echo '1|PENDING|a.feed'; fi");
        Install(Path.Combine(bin, "sacct"), $"cd '{bin}'; [ ! -e 1.ended ] || echo '1|COMPLETED|a.feed'");
        Install(Path.Combine(bin, "scancel"), $"echo \"$@\" > '{bin}/cancelled'");
        return bin;
    }

    private static string Install(string path, string script)
    {
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }
}
