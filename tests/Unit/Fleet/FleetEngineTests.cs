using RobustTrain.Fleet;
using RobustTrain.Fleet.State;
using RobustTrain.Runs;

namespace RobustTrain.Tests.Fleet;

/// <summary>What a fleet does with hosts and runs that are simulated, by a clock that stands still.</summary>
public sealed class FleetEngineTests
{
    [Fact]
    public async Task Each_run_gets_a_GPU_of_its_own_and_the_rest_wait()
    {
        using FleetScene scene = new();
        scene.AddHost("gpu01", gpus: 2);
        scene.AddHost("gpu02", gpus: 1);
        foreach (string name in (string[])["a", "b", "c", "d"])
            scene.AddMember(name);

        await scene.LookUntil(() => scene.Hosts.Values.Sum(host => host.Living.Count) == 3);
        await scene.Look();

        Assert.Equal(["GPU-gpu01-0", "GPU-gpu01-1", "GPU-gpu02-0"], scene.Hosts.Values.SelectMany(host => host.Living.Values).Select(run => run.Gpu).Order());
        Assert.Equal(MemberState.Queued, scene["d"].State);
        Assert.Equal("gpu01: GPU 0 trains, GPU 1 trains; gpu02: GPU 0 trains", scene["d"].Reason);

        scene.Hosts["gpu02"].End(scene.Hosts["gpu02"].Living.Values.Single().Member, 75);
        await scene.LookUntil(() => scene.Hosts["gpu02"].Living.Count == 1);
        Assert.Equal("d", scene.Hosts["gpu02"].Living.Values.Single().Member);
    }

    [Fact]
    public async Task Starts_on_one_host_keep_their_distance()
    {
        using FleetScene scene = new();
        scene.Options = scene.Options with { StartInterval = TimeSpan.FromSeconds(15) };
        scene.AddHost("gpu01", gpus: 2);
        scene.AddMember("a");
        scene.AddMember("b");

        for (int second = 0; second < 15; second++)
            await scene.Look();
        Assert.Single(scene.Hosts["gpu01"].Living);
        Assert.Equal("gpu01: a run was started there just now", scene["b"].Reason);

        await scene.Look(2);
        Assert.Equal(2, scene.Hosts["gpu01"].Living.Count);
    }

    [Theory]
    [InlineData("GPU 0 is used at 60 %")]
    [InlineData("GPU 0 has 2 GiB free")]
    [InlineData("its CPU is used at 95 %")]
    [InlineData("its disk is full (0 GiB free)")]
    [InlineData("its clock is 900 s ahead of this machine's")]
    [InlineData("it has no robusttrain: neither at this program's place nor on its path")]
    public async Task A_host_that_takes_nothing_says_why_and_others_go_on(string reason)
    {
        using FleetScene scene = new();
        FleetScene.SimulatedHost host = scene.AddHost("gpu01", gpus: 1);
        scene.AddHost("gpu02", gpus: 1);
        host.Utilization = reason.Contains("60 %") ? 60 : 0;
        host.GpuMemoryFree = reason.Contains("2 GiB") ? 2L << 30 : host.GpuMemoryFree;
        host.CpuPercent = reason.Contains("95 %") ? 95 : 0;
        host.DiskFree = reason.Contains("disk") ? 1000 : host.DiskFree;
        host.Problem = reason.StartsWith("it has") || reason.Contains("clock") ? reason : null;
        scene.AddMember("a");
        scene.AddMember("b");

        for (int look = 0; look < 5; look++)
            await scene.Look();

        Assert.Equal("a", scene.Hosts["gpu02"].Living.Values.Single().Member);
        Assert.StartsWith($"gpu01: {reason}; gpu02: GPU 0 trains", scene["b"].Reason);
        Assert.Equal(reason.StartsWith("GPU"), scene.Status.Hosts[0].IsUsable);
        if (!reason.StartsWith("GPU"))
            Assert.Equal(reason, scene.Status.Hosts[0].Reason);
    }

    [Fact]
    public async Task Configurations_for_the_CPU_take_slots_of_hosts_without_GPU()
    {
        using FleetScene scene = new();
        scene.Options = scene.Options with { Slots = 2 };
        scene.AddHost("cpu01", gpus: 0);
        scene.AddMember("a", needsGpu: false);
        scene.AddMember("b", needsGpu: false);
        scene.AddMember("c", needsGpu: false);
        scene.AddMember("g");

        for (int look = 0; look < 5; look++)
            await scene.Look();

        Assert.Equal(["a", "b"], scene.Hosts["cpu01"].Living.Values.Select(run => run.Member));
        Assert.Equal("cpu01: 2 slots, none free", scene["c"].Reason);
        Assert.Equal("cpu01: has no GPU", scene["g"].Reason);
    }

    [Fact]
    public async Task What_fails_is_started_again_later_and_later_and_then_given_up()
    {
        using FleetScene scene = new();
        FleetScene.SimulatedHost host = scene.AddHost("gpu01", gpus: 1);
        scene.AddMember("a");
        List<DateTimeOffset> starts = [];
        for (int failure = 0; failure < 3; failure++)
        {
            await scene.LookUntil(() => host.Living.Count == 1);
            starts.Add(scene.Time.GetUtcNow());
            host.End("a", exitCode: 1);
        }

        await scene.LookUntil(() => scene["a"].State == MemberState.Failed);

        Assert.Equal("a reason (exit code 1); 3 failures in a row", scene["a"].Reason);
        Assert.InRange((starts[1] - starts[0]).TotalSeconds, 10, 13);
        Assert.InRange((starts[2] - starts[1]).TotalSeconds, 20, 23);
        Assert.True(await scene.Look());
        Assert.Equal(3, host.Started.Count);

        scene.Take(new MemberAdded("a", "a.yaml", []));
        await scene.LookUntil(() => host.Living.Count == 1);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_wrong_configuration_and_wrong_data_are_not_started_again(int exitCode)
    {
        using FleetScene scene = new();
        FleetScene.SimulatedHost host = scene.AddHost("gpu01", gpus: 1);
        scene.AddMember("a");
        await scene.LookUntil(() => host.Living.Count == 1);
        host.End("a", exitCode);

        await scene.LookUntil(() => scene["a"].State == MemberState.Failed);

        Assert.True(await scene.Look(1000));
        Assert.Equal($"a reason (exit code {exitCode})", scene["a"].Reason);
        Assert.Single(host.Started);
    }

    [Fact]
    public async Task A_run_that_another_process_works_on_is_no_failure()
    {
        using FleetScene scene = new();
        FleetScene.SimulatedHost host = scene.AddHost("gpu01", gpus: 1);
        scene.AddMember("a");
        await scene.LookUntil(() => host.Living.Count == 1);
        host.End("a", exitCode: 2, errorId: "RunInUse");

        await scene.LookUntil(() => host.Started.Count == 2);

        Assert.Equal(0, scene["a"].Failures);
    }

    [Fact]
    public async Task A_run_without_steps_is_stopped_killed_and_started_again()
    {
        using FleetScene scene = new();
        FleetScene.SimulatedHost host = scene.AddHost("gpu01", gpus: 1);
        host.IgnoresStop = true;
        scene.AddMember("a");
        await scene.LookUntil(() => host.Living.Count == 1);
        await scene.Look();

        await scene.Look(31 * 60);
        Assert.Equal(MemberState.Stuck, scene["a"].State);
        Assert.Single(host.Living);
        await scene.Look(61);
        Assert.Empty(host.Living);

        await scene.LookUntil(() => host.Started.Count == 2);
        Assert.Equal(1, scene["a"].Failures);
    }

    [Fact]
    public async Task A_host_that_is_lost_gives_its_run_to_another()
    {
        using FleetScene scene = new();
        FleetScene.SimulatedHost first = scene.AddHost("gpu01", gpus: 1);
        FleetScene.SimulatedHost second = scene.AddHost("gpu02", gpus: 1);
        scene.AddMember("a");
        await scene.LookUntil(() => first.Living.Count == 1);

        first.IsDown = true;
        for (int second59 = 0; second59 < 59; second59++)
            await scene.Look();
        Assert.Empty(second.Living);
        Assert.Equal(MemberState.Running, scene["a"].State);
        Assert.Contains("the run is left alone", scene["a"].Reason);

        first.Living.Clear();
        await scene.LookUntil(() => second.Living.Count == 1);
        Assert.Equal(0, scene["a"].Failures);
    }

    [Fact]
    public async Task Killed_between_any_two_words_it_starts_nothing_twice_and_forgets_nothing()
    {
        // Of each start the answer may be lost before or after it began; the engine is killed after every look.
        foreach (bool? loses in (bool?[])[null, false, true])
        {
            using FleetScene scene = new();
            FleetScene.SimulatedHost host = scene.AddHost("gpu01", gpus: 2);
            foreach (string name in (string[])["a", "b", "c"])
                scene.AddMember(name);
            for (int look = 0; look < 30; look++)
            {
                host.LosesNextAnswer = loses;
                await scene.Look();
                scene.KillFleet();
                if (look % 7 == 6 && host.Living.Values.FirstOrDefault() is { } run)
                    host.Kill(run.Member);
            }

            host.LosesNextAnswer = null;
            await scene.LookUntil(() => host.Living.Count == 2);

            // No start is left of which nobody knows, and none lives of which the fleet does not know.
            await scene.Look();
            Assert.Equal(host.Living.Keys.Order(), scene.State.Members.Select(member => member.Start?.Id).OfType<string>().Order());
        }
    }

    [Fact]
    public async Task A_journal_cut_at_any_byte_is_taken_up_again()
    {
        using FleetScene scene = new();
        FleetScene.SimulatedHost host = scene.AddHost("gpu01", gpus: 1);
        scene.AddMember("a");
        await scene.LookUntil(() => host.Living.Count == 1);
        scene.KillFleet();
        byte[] whole = File.ReadAllBytes(FleetFolder.JournalPathOf(scene.Path));

        // The last whole line names the process; before it stands the intent.
        int answered = Array.LastIndexOf(whole, (byte)'\n', whole.Length - 2) + 1;
        for (int length = answered; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(FleetFolder.JournalPathOf(scene.Path), whole[..length]);
            await scene.Look();
            Assert.Single(host.Started);
            Assert.Equal(host.Living.Keys.Single(), scene.State.Members[0].Start?.Id);
            Assert.NotNull(scene.State.Members[0].Start?.Handle);
            scene.KillFleet();
        }
    }

    [Fact]
    public async Task A_configuration_that_changes_is_outdated_and_not_started_again()
    {
        using FleetScene scene = new();
        FleetScene.SimulatedHost host = scene.AddHost("gpu01", gpus: 1);
        scene.AddMember("a");
        await scene.LookUntil(() => host.Living.Count == 1);
        scene.Outdated["a"] = "seed is 1 there and 2 here";
        File.WriteAllText(scene.State.Members[0].Config, "seed: 2");

        await scene.Look();
        Assert.Equal(MemberState.Outdated, scene["a"].State);
        Assert.Single(host.Living);

        host.End("a", exitCode: 75);
        await scene.Look();
        Assert.True(await scene.Look(1000));
        Assert.Equal("seed is 1 there and 2 here", scene["a"].Reason);
        Assert.Single(host.Started);
    }

    [Fact]
    public async Task What_is_removed_is_stopped_and_goes_and_a_removed_host_gives_its_runs_away()
    {
        using FleetScene scene = new();
        FleetScene.SimulatedHost first = scene.AddHost("gpu01", gpus: 2);
        scene.AddMember("a");
        scene.AddMember("b");
        await scene.LookUntil(() => first.Living.Count == 2);

        FleetFolder.Ask(scene.Path, new MemberRemoved("a"));
        await scene.LookUntil(() => scene.State.Members.Count == 1);
        Assert.Equal("b", first.Living.Values.Single().Member);

        FleetScene.SimulatedHost second = new(scene, "gpu02", 1);
        scene.Hosts["gpu02"] = second;
        FleetFolder.Ask(scene.Path, new HostAdded("gpu02"));
        FleetFolder.Ask(scene.Path, new HostRemoved("gpu01"));
        await scene.LookUntil(() => second.Living.Count == 1);
        Assert.Empty(first.Living);
        Assert.Equal(["gpu02"], scene.State.HostsInUse);
    }

    [Fact]
    public async Task A_stop_leaves_the_runs_alone_unless_it_is_asked_for_them_too()
    {
        using FleetScene scene = new();
        FleetScene.SimulatedHost host = scene.AddHost("gpu01", gpus: 1);
        scene.AddMember("a");
        await scene.LookUntil(() => host.Living.Count == 1);

        FleetFolder.Ask(scene.Path, new StopAsked(Runs: false));
        await scene.Look();
        Assert.True(await scene.Look());
        Assert.Single(host.Living);

        scene.KillFleet();
        await scene.Look();
        FleetFolder.Ask(scene.Path, new StopAsked(Runs: true));
        await scene.LookUntil(() => host.Living.Count == 0);
        await scene.Look();
        Assert.True(await scene.Look());
        Assert.Single(host.Started);
    }

    [Fact]
    public async Task A_second_fleet_is_told_who_holds_it()
    {
        using FleetScene scene = new();
        scene.AddHost("gpu01", gpus: 1);
        await scene.Look();

        RunException refused = Assert.Throws<RunException>(() => FleetFolder.Open(scene.Path, "1", TimeProvider.System));

        Assert.Equal("FleetInUse", refused.ErrorId);
        Assert.Contains($"Process {Environment.ProcessId} on {Environment.MachineName} holds the fleet", refused.Message);
    }

    [Fact]
    public async Task A_request_that_is_none_is_put_aside()
    {
        using FleetScene scene = new();
        scene.AddHost("gpu01", gpus: 1);
        string requests = Path.Combine(scene.Path, ".fleet", "requests");
        File.WriteAllText(Path.Combine(requests, "x.json"), "{ what");

        await scene.Look();

        Assert.Contains("is no request to a fleet", scene.Warnings.Single());
        Assert.Equal(["x.json.bad"], Directory.GetFiles(requests).Select(Path.GetFileName));
    }

    [Fact]
    public void A_damaged_journal_and_a_newer_one_are_refused()
    {
        using TemporaryFolder folder = new();
        string journal = FleetFolder.JournalPathOf(folder.Path);
        Directory.CreateDirectory(Path.GetDirectoryName(journal)!);

        File.WriteAllText(journal, "{\"event\":\"member_added\"\n");
        Assert.Contains("is damaged in line 1", Assert.Throws<RunException>(() => FleetFolder.Open(folder.Path, "1", TimeProvider.System)).Message);

        File.WriteAllText(journal, """{"event":"fleet_created","format":9,"id":"x","working_folder":"/"}""" + "\n");
        Assert.Contains("has the format 9, but this version knows up to 1", Assert.Throws<RunException>(() => FleetFolder.Read(folder.Path)).Message);

        Assert.Equal("FleetNotFound", Assert.Throws<RunException>(() => FleetFolder.Read(folder.At("none"))).ErrorId);
    }
}
