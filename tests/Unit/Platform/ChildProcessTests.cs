using System.ComponentModel;
using System.Diagnostics;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Platform;

public sealed class ChildProcessTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ChildGuard guard = new();

    public void Dispose() => guard.Dispose();

    [LinuxFact("It needs a shell of Unix.")]
    public async Task The_exit_code_and_the_last_lines_of_standard_error_are_kept()
    {
        using ChildProcess child = Shell("for i in 1 2 3 4 5; do echo line $i >&2; done; exit 7", keptErrorLines: 2);
        Assert.Equal(7, await child.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience));
        Assert.Equal(["line 4", "line 5"], child.ErrorLines);
    }

    [LinuxFact("It needs a shell of Unix.")]
    public async Task A_signal_ends_it_with_128_and_its_number()
    {
        using ChildProcess child = Shell("kill -9 $$");
        Assert.Equal(128 + PosixSignals.Kill, await child.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience));
    }

    [LinuxFact("It needs a shell of Unix.")]
    public void A_child_that_reads_its_life_line_ends_when_it_is_cut_and_takes_no_more_lines()
    {
        using ChildProcess child = Shell("read line; echo got $line >&2; cat");
        child.TryWriteLine("hello");
        child.CutLifeLine();
        Assert.Equal(0, child.WaitForExit(Patience));
        child.TryWriteLine("too late");
        Assert.Equal(["got hello"], child.LastErrorLines(Patience));
    }

    [LinuxFact("It needs a shell of Unix.")]
    public void Its_end_is_told()
    {
        using var ended = new ManualResetEventSlim();
        using ChildProcess child = ChildProcess.Start(new ProcessStartInfo("/bin/sh", ["-c", "exit 0"]), ended: ended.Set);
        Assert.True(ended.Wait(Patience));
        Assert.Equal(0, child.ExitCode);
    }

    [LinuxFact("It needs a shell of Unix.")]
    public void The_terminals_interrupt_does_not_reach_one_that_is_started_away_from_it()
    {
        ProcessStartInfo start = ChildProcess.AwayFromTerminal("/bin/sh", ["-c", "kill -INT $$; echo alive"]);
        start.RedirectStandardOutput = true;
        using ChildProcess child = ChildProcess.Start(start);
        Assert.Equal("alive\n", child.Output.ReadToEnd());
    }

    [LinuxFact("It needs a shell of Unix.")]
    public void A_guarded_child_ends_with_its_guard_although_it_reads_nothing()
    {
        using ChildProcess child = ChildProcess.Start(new ProcessStartInfo("/bin/sleep", ["600"]), guard);
        Assert.Null(child.ExitCode);
        guard.Dispose();
        Assert.Equal(128 + PosixSignals.Kill, child.WaitForExit(Patience));
    }

    [LinuxFact("It needs a shell of Unix.")]
    public void A_guard_that_was_killed_is_replaced_and_guards_those_that_were_there()
    {
        using ChildProcess first = ChildProcess.Start(new ProcessStartInfo("/bin/sleep", ["600"]), guard);
        int killed = guard.ProcessId!.Value;
        Assert.Equal(0, PosixSignals.Send(killed, PosixSignals.Kill));
        Assert.True(SpinWait.SpinUntil(() => PosixSignals.Send(killed, 0) == PosixError.NoSuchProcess, Patience));
        using ChildProcess second = ChildProcess.Start(new ProcessStartInfo("/bin/sleep", ["600"]), guard);
        Assert.NotEqual(killed, guard.ProcessId);
        guard.Dispose();
        Assert.Equal(128 + PosixSignals.Kill, first.WaitForExit(Patience));
        Assert.Equal(128 + PosixSignals.Kill, second.WaitForExit(Patience));
    }

    [Fact]
    public void A_program_that_is_not_there_is_said_at_once() =>
        Assert.Throws<Win32Exception>(() => ChildProcess.Start(new ProcessStartInfo("/no/such/program")));

    private static ChildProcess Shell(string script, int keptErrorLines = 20) =>
        ChildProcess.Start(new ProcessStartInfo("/bin/sh", ["-c", script]), keptErrorLines: keptErrorLines);
}
