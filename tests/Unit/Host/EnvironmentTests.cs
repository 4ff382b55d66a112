using System.Diagnostics;
using System.Text.RegularExpressions;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

/// <summary>What the system around a training may do to it: output that nobody can read, files without locks, a stop of all its processes, starts at the same moment.</summary>
public sealed class EnvironmentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public EnvironmentTests() => TinyPairs.Write(_folder.At("data"));

    public void Dispose() => _folder.Dispose();

    private static string[] Arguments(int epochs, params string[] more) =>
    [
        "train",
        "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
        "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", $"trainer.epochs={epochs}", "--set", "trainer.log_interval_seconds=0",
        "--set", "threads=1",
        .. more,
    ];

    [LinuxTheory("It needs a shell of Unix, its signals, or a C library that is preloaded.")]
    [InlineData("")]
    [InlineData("--events")]
    public async Task A_training_whose_standard_output_is_on_a_full_disk_finishes_and_says_what_was_lost(string events)
    {
        HostRun run = await Redirected(">/dev/full", Arguments(2, ["--run-path", "run", .. events.Split(' ', StringSplitOptions.RemoveEmptyEntries)]));

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("there is no space left on the disk.", Assert.Single(run.Sentences), StringComparison.Ordinal);
        Assert.Equal((RunState.Finished, 0), (RunFolder.ReadRecord(_folder.At("run")).State, RunFolder.ReadRecord(_folder.At("run")).ExitCode));
        IReadOnlyList<RunEvent> journal = RunJournalReader.ReadAll(RunFolder.JournalPathOf(_folder.At("run")));
        Assert.Equal(run.Sentences, journal.OfType<RunWarning>().Select(warning => warning.Message));
        Assert.Equal("finished", Assert.Single(journal.OfType<RunFinished>()).State);

        Assert.Equal(0, (await Redirected(">/dev/full", Arguments(2, "--run-path", "run"))).ExitCode);
    }

    [LinuxTheory("It needs a shell of Unix, its signals, or a C library that is preloaded.")]
    [InlineData("train --set epochs=3", 2)]
    [InlineData("train --no-such-option", 2)]
    [InlineData("config check --set data.path=nowhere", 2)]
    public async Task The_exit_code_says_what_went_wrong_where_nobody_can_read_the_errors(string arguments, int exitCode)
    {
        foreach (string redirection in new[] { "2>/dev/full", ">/dev/full 2>&1", ">&- 2>&-" })
            Assert.Equal(exitCode, (await Redirected(redirection, arguments.Split(' '))).ExitCode);
    }

    [LinuxFact("It needs a shell of Unix, its signals, or a C library that is preloaded.")]
    public async Task A_result_that_can_not_be_printed_is_an_error_in_one_sentence()
    {
        HostRun run = await Redirected(">/dev/full", "config", "show");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("no space left", Assert.Single(run.Sentences), StringComparison.OrdinalIgnoreCase);
    }

    [LinuxFact("It needs a shell of Unix, its signals, or a C library that is preloaded.")]
    public async Task A_training_without_standard_output_and_error_finishes()
    {
        HostRun run = await Redirected(">&- 2>&-", Arguments(2, "--run-path", "run"));

        Assert.Equal(0, run.ExitCode);
        Assert.All(
            File.ReadLines(RunFolder.JournalPathOf(_folder.At("run"))),
            line => Assert.StartsWith("{", line, StringComparison.Ordinal));
    }

    [LinuxFact("It needs a shell of Unix, its signals, or a C library that is preloaded.")]
    public async Task A_file_system_without_locks_is_told()
    {
        HostRun run = await HostRun.EndOf(HostRun.Start(
            _folder.Path, new Dictionary<string, string?> { ["LD_PRELOAD"] = PreloadedStub.Lock }, Arguments(1, "--run-path", "run")));

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(
            RunJournalReader.ReadAll(RunFolder.JournalPathOf(_folder.At("run"))).OfType<RunWarning>(),
            warning => warning.Message.StartsWith($"The file system of '{_folder.At("run")}' has no locks", StringComparison.Ordinal));
    }

    [LinuxFact("It needs a shell of Unix, its signals, or a C library that is preloaded.")]
    public async Task A_training_without_locks_that_finds_another_machines_process_in_its_record_gives_its_run_up()
    {
        using LiveTraining training = new(HostRun.Start(
            _folder.Path, new Dictionary<string, string?> { ["LD_PRELOAD"] = PreloadedStub.Lock }, Arguments(100_000, "--events", "--run-path", "run")));
        await training.Next<EpochFinished>();
        Task<HostRun> end = training.End();
        string path = RunFolder.RecordPathOf(_folder.At("run"));
        while (!end.IsCompleted)
        {
            // Until the record stands as the other process's: this one may be about to write it.
            File.WriteAllText(path + ".other", File.ReadAllText(path).Replace($"\"host\": \"{Environment.MachineName}\"", "\"host\": \"elsewhere\"", StringComparison.Ordinal));
            File.Move(path + ".other", path, overwrite: true);
            await Task.WhenAny(end, Task.Delay(50));
        }

        Assert.True((await end).ExitCode == 2, (await end).Error);
        Assert.Contains("on elsewhere works on the run", Assert.Single((await end).Sentences), StringComparison.Ordinal);
        Assert.Equal("elsewhere", RunFolder.ReadRecord(_folder.At("run")).Process.Host);
    }

    [Fact]
    public async Task A_stop_tells_people_where_the_checkpoint_is_and_how_to_go_on()
    {
        using Process training = HostRun.Start(_folder.Path, Arguments(100_000, "--run-path", "run"));
        while (await training.StandardOutput.ReadLineAsync() is { } line && !line.StartsWith("epoch 0 (1 of 100000) done", StringComparison.Ordinal))
        {
        }

        Assert.Null(StopRequest.Send(training.Id));
        string rest = await training.StandardOutput.ReadToEndAsync();
        await training.WaitForExitAsync();

        Assert.Equal(75, training.ExitCode);
        string run = _folder.At("run");
        Match said = Regex.Match(rest, "Stopped with the checkpoint (?<path>.*); go on with: robusttrain train --run-path (?<run>.*?)\r?\n$");
        Assert.Equal((run, Path.Combine(run, "checkpoints")), (said.Groups["run"].Value, Path.GetDirectoryName(said.Groups["path"].Value)));
        Assert.True(Directory.Exists(said.Groups["path"].Value));
    }

    [Fact]
    public async Task Trainings_of_one_name_that_start_at_the_same_moment_have_folders_of_their_own()
    {
        HostRun[] runs = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => HostRun.To(_folder.Path, Arguments(1))));

        Assert.All(runs, run => Assert.Equal((0, ""), (run.ExitCode, run.Error)));
        Assert.Equal(3, Directory.EnumerateDirectories(_folder.At("runs")).Count(RunFolder.IsRun));
    }

    [LinuxTheory("It needs a shell of Unix, its signals, or a C library that is preloaded.")]
    [InlineData("thread")]
    [InlineData("process")]
    public async Task A_process_group_that_is_stopped_for_longer_than_a_step_and_a_sample_may_take_goes_on(string kind)
    {
        string[] arguments = Arguments(
            60, "--events", "--run-path", "run", "--set", "trainer.step_timeout_seconds=4", "--set", "loader.timeout_seconds=4", "--set", $"loader.worker_kind={kind}");
        using LiveTraining training = new(Process.Start(new ProcessStartInfo("setsid", [HostRun.Executable, .. arguments])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
        await training.Next<StepFinished>();
        for (int time = 0; time < 3; time++)
        {
            await SignalGroup("STOP", training.ProcessId);
            await Task.Delay(TimeSpan.FromSeconds(6));
            await SignalGroup("CONT", training.ProcessId);
            await training.Next<StepFinished>();
        }

        HostRun end = await training.End();

        Assert.Equal((0, ""), (end.ExitCode, end.Error));
        Assert.DoesNotContain(training.Events, happened => happened is LoaderChanged { Kind: "worker_stuck" or "worker_died" } or RunWarning);
    }

    private static async Task SignalGroup(string signal, int group)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", "--", $"-{group}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    private async Task<HostRun> Redirected(string redirection, params string[] arguments) => await HostRun.EndOf(Process.Start(
        new ProcessStartInfo("sh", ["-c", $"exec \"$0\" \"$@\" {redirection}", HostRun.Executable, .. arguments])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
}
