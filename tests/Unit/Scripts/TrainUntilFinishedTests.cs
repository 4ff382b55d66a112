using System.Diagnostics;
using System.Runtime.Versioning;
using RobustTrain.Tests.Host;
using RobustTrain.Tests.Monitoring;

namespace RobustTrain.Tests.Scripts;

/// <summary>scripts/train-until-finished.sh with an executable that ends as each test says.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class TrainUntilFinishedTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [LinuxFact("The script is one of Unix's shell.")]
    public async Task A_training_that_is_stopped_and_killed_is_started_again_until_it_finishes()
    {
        (int code, string[] calls) = await Run("75", "kill", "0");

        Assert.Equal(0, code);
        Assert.Equal(3, calls.Length);
        Assert.All(calls, call => Assert.Equal("train config.yaml --run-path run --resume auto --set a=1", call));
    }

    [LinuxTheory("The script is one of Unix's shell.")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task An_exit_code_that_needs_a_person_ends_the_script_with_it(int expected)
    {
        (int code, string[] calls) = await Run("75", $"{expected}", "0");

        Assert.Equal(expected, code);
        Assert.Equal(2, calls.Length);
    }

    [LinuxFact("The script is one of Unix's shell.")]
    public async Task A_stop_is_final_in_a_window_and_a_kill_is_not()
    {
        (int code, string[] calls) = await Run(new Dictionary<string, string> { ["AFTER_STOP"] = "end" }, "kill", "75", "0");

        Assert.Equal(75, code);
        Assert.Equal(2, calls.Length);
    }

    [LinuxFact("The script is one of Unix's shell.")]
    public async Task A_training_that_never_finishes_is_given_up_after_the_bound()
    {
        (int code, string[] calls) = await Run(Enumerable.Repeat("75", 9).ToArray());

        Assert.Equal(75, code);
        Assert.Equal(4, calls.Length);
    }

    [LinuxFact("The script is one of Unix's shell.")]
    public async Task A_training_that_is_killed_again_and_again_before_its_next_checkpoint_is_given_up()
    {
        (int code, string[] calls) = await Run(new Dictionary<string, string> { ["MAX_KILLED"] = "2" }, "kill", "checkpoint", "kill", "kill", "0");

        Assert.Equal(137, code);
        Assert.Equal(4, calls.Length);
    }

    [LinuxFact("The script is one of Unix's shell.")]
    public async Task A_stop_of_the_script_reaches_the_training_and_is_waited_for()
    {
        using Process script = Start([], "stop");
        while (!File.Exists(_folder.At("started")))
            await Task.Delay(20);
        using Process kill = Process.Start("kill", ["-TERM", $"{script.Id}"]);
        await script.WaitForExitAsync();

        Assert.Equal(75, script.ExitCode);
        Assert.True(File.Exists(_folder.At("saved")));
    }

    [LinuxFact("The script is one of Unix's shell.")]
    public async Task A_stop_that_comes_as_the_training_is_started_reaches_it()
    {
        // bash runs this before each command: the signal comes when the training is there, but the script doesn't know its id yet.
        File.WriteAllText(_folder.At("early"), "trap 'case $BASH_COMMAND in follow*) trap - DEBUG; kill -TERM $$ ;; esac' DEBUG\n");
        HostRun ended = await HostRun.EndOf(Start(new() { ["BASH_ENV"] = _folder.At("early") }, "stop"));

        Assert.Equal(75, ended.ExitCode);
    }

    [LinuxFact("The script is one of Unix's shell.")]
    public async Task A_stop_in_the_pause_ends_the_pause_which_would_keep_open_what_the_script_was_given()
    {
        string pause = $"600.{Random.Shared.Next()}";
        using Process script = Start(new() { ["RETRY_SECONDS"] = pause }, "75");
        Assert.Contains("going on in", await script.StandardError.ReadLineAsync(), StringComparison.Ordinal);
        using Process kill = Process.Start("kill", ["-TERM", $"{script.Id}"]);
        await script.WaitForExitAsync();

        Assert.Equal(75, script.ExitCode);
        await Shell.Until(() => Shell.Run("pgrep", "-f", $"sleep {pause}").Output.Length == 0, () => $"'sleep {pause}' is left.");
    }

    private Task<(int Code, string[] Calls)> Run(params string[] ends) => Run(new Dictionary<string, string>(), ends);

    private async Task<(int Code, string[] Calls)> Run(Dictionary<string, string> variables, params string[] ends)
    {
        using Process script = Start(variables, ends);
        await script.WaitForExitAsync();
        return (script.ExitCode, await File.ReadAllLinesAsync(_folder.At("calls")));
    }

    private Process Start(Dictionary<string, string> variables, params string[] ends)
    {
        File.WriteAllLines(_folder.At("ends"), ends);
        string robusttrain = _folder.At("robusttrain");
        File.WriteAllText(robusttrain, """
            #!/usr/bin/env bash
            cd "$(dirname "$0")"
            echo "$*" >>calls
            end=$(sed -n "$(wc -l <calls)p" ends)
            case $end in
              kill) kill -9 $$ ;;
              checkpoint) mkdir -p "$4/checkpoints/epoch-$(wc -l <calls)"; kill -9 $$ ;;
              stop) trap 'sleep 0.2; touch saved; exit 75' TERM; touch started; while :; do sleep 0.05; done ;;
              *) exit "$end" ;;
            esac
            """);
        File.SetUnixFileMode(robusttrain, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        ProcessStartInfo start = new("bash", [Path.Combine(TestFiles.Root, "scripts/train-until-finished.sh"), "run", "config.yaml", "--set", "a=1"])
        {
            Environment = { ["ROBUSTTRAIN"] = robusttrain, ["RETRY_SECONDS"] = "0", ["MAX_ATTEMPTS"] = "4" },
            WorkingDirectory = _folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in variables)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
