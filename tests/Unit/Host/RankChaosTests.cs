using System.Diagnostics;
using RobustTrain.Chaos;

namespace RobustTrain.Tests.Host;

/// <summary>The short form of <c>./build.sh chaos --ranks</c>: three hosts of its own, with addresses, an sshd and cables.</summary>
public sealed class RankChaosTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [HostsFact]
    [Trait("Kind", "Cluster")]
    public async Task A_run_over_three_hosts_of_which_some_are_killed_cut_off_or_stopped_has_the_bits_of_one_rank()
    {
        string config = _folder.Write("small.yaml", "model:\n  base_channels: 2\n"u8.ToArray());
        (int code, string output, string error) = await Chaos("3", "--ranks", "3", "--seed", "1", "--config", config, "--pairs", "64", "--side", "32", "--epochs", "6", "--minutes", "60", "--set", "trainer.rank_timeout_seconds=10", "--robusttrain", HostRun.Executable);

        Assert.True(code == 0, output + error);
        Assert.EndsWith("3 faults, 0 differences, 0 samples lost, 0 processes and 0 files left\n", output, StringComparison.Ordinal);
    }

    [LinuxFact("the program is for Linux and Windows, and its own tests are for Linux")]
    public async Task Numbers_of_ranks_that_cannot_be_are_refused()
    {
        (int code, string _, string error) = await Chaos("4", "--ranks", "1");

        Assert.Equal((2, "chaos: --ranks is 1, but must be a number from 2 to 9.\n"), (code, error));
    }

    [LinuxFact("the program is for Linux and Windows, and its own tests are for Linux")]
    public async Task Kills_of_ranks_that_cannot_be_are_refused()
    {
        foreach (string[] arguments in (string[][])[["recovery", "0"], ["recovery", "3", "--ranks", "1"]])
        {
            (int code, string _, string error) = await Chaos(arguments);

            Assert.Equal((2, "chaos: recovery needs one kill and two ranks at least.\n"), (code, error));
        }
    }

    [MpiFact]
    public async Task Each_kill_of_a_rank_is_told_by_its_parts_and_the_training_ends_in_order()
    {
        string config = _folder.Write("small.yaml", "model:\n  base_channels: 2\n"u8.ToArray());
        (int code, string output, string error) = await Chaos("recovery", "2", "--config", config, "--pairs", "24", "--side", "32", "--minutes", "60", "--robusttrain", HostRun.Executable);

        Assert.True(code == 0, output + error);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["killed", "rank 0", "rank 1", "median"], lines.Select(line => line[..10].Trim()));
        Assert.All(lines[1..], line => Assert.Matches(@"^.{10}( +-?\d+\.\d\d s){5}$", line));
    }

    private static async Task<(int Code, string Output, string Error)> Chaos(params string[] arguments)
    {
        using Process chaos = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "chaos"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = chaos.StandardOutput.ReadToEndAsync();
        Task<string> error = chaos.StandardError.ReadToEndAsync();
        await chaos.WaitForExitAsync();
        return (chaos.ExitCode, await output, await error);
    }
}

/// <summary>A fact about ranks on hosts of their own, skipped with the reason where they can't be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class HostsFactAttribute : FactAttribute
{
    public HostsFactAttribute() => Skip = OwnHosts.Missing;
}
