using System.Diagnostics;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

/// <summary>Several ranks of one run, started as people start them.</summary>
public sealed class RankLaunchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public RankLaunchTests() => TinyPairs.Write(_folder.At("data"));

    public void Dispose() => _folder.Dispose();

    [MpiFact]
    public async Task Parts_of_any_length_arrive_at_their_ranks()
    {
        HostRun end = await Mpiexec(3, Path.Combine(AppContext.BaseDirectory, "ranks"), "exchange", "60");

        Assert.Equal(75, end.ExitCode);
        string host = Environment.MachineName;
        Assert.Equal(
            [$"0 of 3 on {host}, 0 of 3 there: all as sent", $"1 of 3 on {host}, 1 of 3 there: all as sent", $"2 of 3 on {host}, 2 of 3 there: all as sent"],
            end.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [MpiFact]
    public async Task Under_any_mpiexec_a_rank_that_fails_ends_all_with_its_exit_code()
    {
        HostRun end = await Mpiexec(2, Path.Combine(AppContext.BaseDirectory, "ranks"), "fail", "60");

        // Hydra says 1 where its proxy has gone before the ranks' exit codes were handed on.
        Assert.True(end.ExitCode is (int)ExitCode.Data or 1, $"{end.ExitCode}: {end.Error}");
        Assert.Contains("1: RunException: The sample 'x' can't be read.", end.Error, StringComparison.Ordinal);
    }

    [MpiFact]
    public async Task Two_ranks_of_a_launcher_and_of_mpiexec_end_with_the_bits_of_one()
    {
        HostRun one = await HostRun.To(_folder.Path, Train("one"));
        HostRun two = await HostRun.To(_folder.Path, [.. Train("two"), "--ranks", "2"]);
        HostRun bare = await Mpiexec(2, HostRun.Executable, Train("bare"));

        Assert.Equal((0, 0, 0), (one.ExitCode, two.ExitCode, bare.ExitCode));
        Assert.EndsWith($"Finished; the run is in {_folder.At("two")}.\n", two.Output, StringComparison.Ordinal);
        Assert.Equal(BitsOf("one"), BitsOf("two"));
        Assert.Equal(BitsOf("one"), BitsOf("bare"));
        await NoRankIsLeft();
    }

    [MpiFact]
    public async Task A_rank_that_is_killed_is_named_and_the_run_goes_on_with_the_same_bits()
    {
        HostRun one = await HostRun.To(_folder.Path, Train("one"));
        using LiveTraining training = new(HostRun.Start(_folder.Path, [.. Train("killed"), "--ranks", "2", "--restart", "--events"]));
        await training.Next<CheckpointSaved>();
        int killed = Assert.Single(Ranks(), rank => rank.Rank == 1).Process;
        PosixSignals.Send(killed, PosixSignals.Kill);
        RankLost lost = await training.Next<RankLost>();
        HostRun end = await training.End();

        Assert.Equal((1, Environment.MachineName), (lost.LostRank, lost.Host));
        Assert.StartsWith($"Rank 1 on {Environment.MachineName} (process {killed}) is lost: its process has ended, or its connection was cut; it was last heard of in step ", lost.Message, StringComparison.Ordinal);
        Assert.Contains($", and was awaited in '{lost.AwaitedIn}' of step {lost.Step}.", lost.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), (one.ExitCode, end.ExitCode));
        Assert.Equal(BitsOf("one"), BitsOf("killed"));
        Assert.Equal([RunState.Stopped, RunState.Finished], RunFolder.ReadRecord(_folder.At("killed")).Attempts.Select(attempt => attempt.State));
        await NoRankIsLeft();
    }

    [MpiFact]
    public async Task A_rank_that_stands_still_ends_the_run_in_order_and_is_killed()
    {
        using LiveTraining training = new(HostRun.Start(_folder.Path, [.. Train("stopped"), "--ranks", "2", "--events", "--set", "trainer.rank_timeout_seconds=10"]));
        await training.Next<CheckpointSaved>();
        int stopped = Assert.Single(Ranks(), rank => rank.Rank == 1).Process;
        PosixSignals.Send(stopped, PosixSignals.Stop);
        HostRun end = await training.End();

        Assert.Equal(75, end.ExitCode);
        Assert.StartsWith($"Rank 1 on {Environment.MachineName} (process {stopped}) is lost: it has not been heard of for 10 s", Assert.Single(training.Events.OfType<RankLost>()).Message, StringComparison.Ordinal);
        Assert.Equal(RunState.Stopped, RunFolder.ReadRecord(_folder.At("stopped")).State);
        await NoRankIsLeft();
    }

    [MpiFact]
    public async Task Whoever_asks_the_launcher_to_stop_gets_one_checkpoint_of_all_ranks()
    {
        HostRun one = await HostRun.To(_folder.Path, Train("one"));
        foreach ((string how, Action<LiveTraining> ask, string reason) in new (string, Action<LiveTraining>, string)[]
        {
            ("signal", training => training.Signal(PosixSignals.Terminate), "SIGTERM"),
            ("line", training => training.Input.WriteLine("stop"), "stop on standard input"),
            ("parent", training => training.Input.Close(), "the process that started it is gone"),
        })
        {
            using LiveTraining training = new(HostRun.Start(_folder.Path, [.. Train(how), "--ranks", "2", "--events", "--life-line"]));
            await training.Next<CheckpointSaved>();
            ask(training);
            HostRun end = await training.End();

            Assert.Equal((75, reason), (end.ExitCode, Assert.Single(training.Events.OfType<StopRequested>()).Reason));
            Assert.Equal(RunState.Stopped, RunFolder.ReadRecord(_folder.At(how)).State);
            await NoRankIsLeft();

            // Another number of ranks goes on with the same bits.
            Assert.Equal(0, (await HostRun.To(_folder.Path, Train(how))).ExitCode);
            Assert.Equal(BitsOf("one"), BitsOf(how));
        }
    }

    [MpiFact]
    public async Task Ranks_whose_launcher_was_killed_leave_a_checkpoint_and_nothing_else()
    {
        using LiveTraining training = new(HostRun.Start(_folder.Path, [.. Train("orphans"), "--ranks", "2", "--events"]));
        await training.Next<CheckpointSaved>();
        training.Signal(PosixSignals.Kill);
        await NoRankIsLeft();
        Assert.Equal(RunState.Stopped, RunFolder.ReadRecord(_folder.At("orphans")).State);
    }

    [MpiFact]
    public async Task What_cannot_begin_is_told_in_one_sentence_and_nothing_is_created()
    {
        await Refused("The run has 3 ranks, which do not divide trainer.shards, 4; start it with 2 or 4 ranks.", "--ranks", "3");
        await Refused("--restart needs --ranks or --hosts.", "--restart");
        await Refused("--ranks is '0', but must be a number from 1 on.", "--ranks", "0");
        await Refused("--hosts names 'a' 2 times; --ranks-per-host says how many ranks a host has.", "--hosts", "a,b,a");
        await Refused("--ranks is 4, but 1 hosts with at most 2 ranks each (--ranks-per-host) have room for 2.", "--ranks", "4", "--ranks-per-host", "2");
        await Refused("device is 'cuda', but ", "--ranks", "2", "--set", "device=cuda");
        await Refused("The host no-such-host.invalid is not known.", "--ranks", "2", "--hosts", $"{Environment.MachineName},no-such-host.invalid");
    }

    [MpiFact]
    public async Task A_host_that_is_down_at_the_start_is_named_and_nothing_is_created()
    {
        StandInHosts hosts = new(_folder.At("hosts"));
        hosts.Cut("b");
        HostRun end = await HostRun.EndOf(HostRun.Start(_folder.Path, hosts.Variables, [.. Train("refused"), "--hosts", "a,b"]));

        Assert.Equal((2, "b did not answer in time."), (end.ExitCode, Assert.Single(end.Sentences)));
        Assert.False(Directory.Exists(_folder.At("refused")));
    }

    [MpiFact]
    public async Task A_stop_while_hosts_are_asked_at_the_start_ends_the_run_before_anything_is_created()
    {
        StandInHosts hosts = new(_folder.At("hosts"));
        hosts.Silence("b");
        using LiveTraining training = new(HostRun.Start(_folder.Path, hosts.Variables, [.. Train("early"), "--hosts", "a,b", "--events"]));
        await hosts.Asked("b");
        training.Signal(PosixSignals.Terminate);
        HostRun end = await training.End();

        // Without the stop it would be refused with 2 in the end.
        Assert.Equal((75, "stopped"), (end.ExitCode, Assert.Single(training.Events.OfType<RunFinished>()).State));
        Assert.False(Directory.Exists(_folder.At("early")));
    }

    [MpiFact]
    public async Task A_run_none_of_whose_hosts_answers_says_so_and_goes_on_with_the_first_that_is_back()
    {
        HostRun one = await HostRun.To(_folder.Path, Train("one"));
        StandInHosts hosts = new(_folder.At("hosts"));
        using LiveTraining training = await LoseAllHosts(hosts, "away");
        hosts.Restore("b");
        HostRun end = await training.End();

        Assert.Equal((0, 0), (one.ExitCode, end.ExitCode));
        Assert.Contains(training.Events.OfType<RunWarning>(), warning => warning.Message.EndsWith(" The run goes on from its newest checkpoint with 1 rank on b, after 2 before.", StringComparison.Ordinal));
        Assert.Equal(BitsOf("one"), BitsOf("away"));
        await NoRankIsLeft();
    }

    [MpiFact]
    public async Task A_stop_while_no_host_answers_ends_the_run_with_its_newest_checkpoint()
    {
        StandInHosts hosts = new(_folder.At("hosts"));
        using LiveTraining training = await LoseAllHosts(hosts, "given-up");
        training.Signal(PosixSignals.Terminate);
        HostRun end = await training.End();

        // Without the stop it would wait for ten minutes.
        Assert.Equal((75, "stopped"), (end.ExitCode, training.Events.OfType<RunFinished>().Last().State));
        Assert.StartsWith("Rank 1 on b ", end.Sentences[^1], StringComparison.Ordinal);
        Assert.Equal(RunState.Stopped, RunFolder.ReadRecord(_folder.At("given-up")).State);
        await NoRankIsLeft();
    }

    [MpiFact]
    public async Task An_mpiexec_of_another_kind_is_refused()
    {
        string open = _folder.Write("mpiexec", "#!/bin/sh\necho 'mpiexec (OpenRTE) 4.1.4'\n"u8.ToArray());
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(open, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        HostRun end = await HostRun.EndOf(HostRun.Start(_folder.Path, new Dictionary<string, string?> { ["ROBUSTTRAIN_MPIEXEC"] = open }, [.. Train("other"), "--ranks", "2"]));

        Assert.Equal((2, $"'{open}' is Open MPI's, but the ranks are joined by MPICH's kind of MPI: install it (Debian: apt-get install mpich), or name its mpiexec by ROBUSTTRAIN_MPIEXEC."), (end.ExitCode, Assert.Single(end.Sentences)));
    }

    // A training on two hosts that has lost a rank, and waits for hosts.
    private async Task<LiveTraining> LoseAllHosts(StandInHosts hosts, string run)
    {
        LiveTraining training = new(HostRun.Start(_folder.Path, hosts.Variables, [.. Train(run), "--hosts", "a,b", "--restart", "--events"]));
        await training.Next<CheckpointSaved>();
        hosts.Cut("a", "b");
        PosixSignals.Send(Assert.Single(Ranks(), rank => rank.Rank == 1).Process, PosixSignals.Kill);
        while ((await training.Next<RunWarning>()).Message != "No host answers: a did not answer in time. The run waits for one for up to 10 minutes.")
        {
        }

        return training;
    }

    private async Task Refused(string sentence, params string[] arguments)
    {
        HostRun end = await HostRun.To(_folder.Path, [.. Train("refused"), .. arguments]);

        Assert.Equal(2, end.ExitCode);
        Assert.Contains(end.Sentences, said => said.Contains(sentence, StringComparison.Ordinal));
        Assert.False(Directory.Exists(_folder.At("refused")));
    }

    private string[] Train(string run) =>
    [
        "train", "--run-path", _folder.At(run), "--set", $"data.path={_folder.At("data")}", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32",
        "--set", "model.base_channels=4", "--set", "loader.batch_size=4", "--set", "loader.num_workers=1", "--set", "trainer.shards=4", "--set", "threads=1",
        "--set", "trainer.epochs=12", "--set", "checkpoint.every_steps=1",
    ];

    private static async Task<HostRun> Mpiexec(int ranks, string program, params string[] arguments)
    {
        Process process = Process.Start(new ProcessStartInfo("mpiexec.mpich", ["-n", $"{ranks}", program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
        return await HostRun.EndOf(process);
    }

    // Everything that does not depend on when and where: weights, states, losses, scores.
    private string[] BitsOf(string run) =>
    [
        .. Directory.EnumerateFiles(_folder.At(run), "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(_folder.At(run), file))
            .Where(file => file.StartsWith($"checkpoints{Path.DirectorySeparatorChar}epoch-0011", StringComparison.Ordinal) || file.StartsWith("epochs", StringComparison.Ordinal) || file == "test.json")
            .Where(file => Path.GetFileName(file) is not ("manifest.json" or "ledger.json"))
            .Order(StringComparer.Ordinal)
            .Select(file => $"{file} {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(_folder.At(run, file))))}"),
    ];

    // A rank that is killed is there until the system has taken its memory back, which the launcher does not wait for.
    private async Task NoRankIsLeft()
    {
        for (DateTime limit = DateTime.UtcNow.AddMinutes(5); Ranks().Count > 0 && DateTime.UtcNow < limit; await Task.Delay(100))
        {
        }

        Assert.Empty(Ranks());
    }

    // The ranks of this test's runs that are at work now.
    private List<(int Rank, int Process)> Ranks()
    {
        List<(int, int)> found = [];
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)))
        {
            try
            {
                string[] arguments = File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0');
                string? rank = File.ReadAllText(Path.Combine(process, "environ")).Split('\0').FirstOrDefault(variable => variable.StartsWith("PMI_RANK=", StringComparison.Ordinal));
                if (rank is not null && arguments[0] == HostRun.Executable && arguments.Any(argument => argument.StartsWith(_folder.Path, StringComparison.Ordinal)))
                    found.Add((int.Parse(rank["PMI_RANK=".Length..]), int.Parse(Path.GetFileName(process))));
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // It has ended meanwhile.
            }
        }

        return found;
    }
}
