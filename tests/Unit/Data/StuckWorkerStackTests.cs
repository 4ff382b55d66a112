using System.Diagnostics;
using System.Globalization;
using RobustTrain.Data;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Recovery;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Tests.Data;

/// <summary>What a stuck worker was doing stands in the evidence, down to the method.</summary>
[Collection(LoaderCollection.Name)]
public sealed class StuckWorkerStackTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly LoaderOptions Options = new()
    {
        BatchSize = 8,
        NumWorkers = 2,
        Timeout = TimeSpan.FromSeconds(1),
        StackTimeout = Patience,
        HealthCheckInterval = TimeSpan.FromMilliseconds(50),
        MaxErrors = 50,
        OnBadSample = BadSamplePolicy.Skip,
    };

    [LinuxFact("Windows has no signals.")]
    public void A_stopped_workers_managed_stack_is_told_too() => A_stuck_workers_managed_stack_stands_in_event_ledger_and_quarantine(WorkerKind.Process, "stop", " stopped in ");

    [Theory]
    [InlineData(WorkerKind.Process, "stall", "managed stack: Thread.Sleep, FaultInjector.")]
    [InlineData(WorkerKind.Process, "loop", "FaultInjector.Loop, ")]
    [InlineData(WorkerKind.Thread, "stall", "managed stack: Thread.Sleep, FaultInjector.")]
    [InlineData(WorkerKind.Thread, "loop", "FaultInjector.Loop, ")]
    public void A_stuck_workers_managed_stack_stands_in_event_ledger_and_quarantine(WorkerKind kind, string fault, string stack)
    {
        using TemporaryFolder folder = new();
        LoaderRun run = Run(kind, fault, Options with { QuarantinePath = folder.At("quarantine.json") });
        QuarantineEntry entry = Assert.Single(new QuarantineFile(folder.At("quarantine.json")).Read());
        string[] told =
        [
            .. run.Events.Where(happened => happened.Kind == LoaderEventKind.WorkerStuck).Select(happened => happened.Message),
            .. entry.Evidence,
            Assert.Single(run.Ledger.Entries, ledgerEntry => ledgerEntry.Action == LedgerAction.Skipped).Reason,
        ];
        Assert.Equal(5, told.Length);
        string[] expected = [stack, "managed stack: ", "FaultInjector.", "WorkerLoop.Run"];
        string? wrong = told.FirstOrDefault(text => !expected.All(part => text.Contains(part, StringComparison.Ordinal)));
        Assert.True(wrong is null, wrong);
    }

    [LinuxTheory("The stack of a stuck thread is read by ptrace.")]
    [InlineData(WorkerKind.Process)]
    [InlineData(WorkerKind.Thread)]
    public void A_stack_that_takes_too_long_is_gone_without(WorkerKind kind)
    {
        LoaderRun run = Run(kind, "stall", Options with { StackTimeout = TimeSpan.Zero });
        Assert.All(
            run.Events.Where(happened => happened.Kind == LoaderEventKind.WorkerStuck),
            // On a loaded machine some time passes before anyone looks.
            stuck => Assert.Matches("no managed stack: it was not there within [0-9.]+ s", stuck.Message));
        Assert.Empty(LoaderProcesses.Alive());
    }

    [LinuxFact("The stack of a stuck thread is read by ptrace.")]
    public void A_reader_that_is_killed_leaves_the_thread_running()
    {
        using Process worker = Worker();
        string before = Ask(worker.Id);
        WorkerCommand command = WorkerCommand.Find(WorkerCommand.StackVerb);
        string id = worker.Id.ToString(CultureInfo.InvariantCulture);
        bool killedInTime = false;
        for (long start = Stopwatch.GetTimestamp(); !killedInTime && Stopwatch.GetElapsedTime(start) < Patience;)
        {
            using Process reader = Process.Start(new ProcessStartInfo(command.FileName, [.. command.Arguments, id, id]) { RedirectStandardOutput = true })!;
            while (!killedInTime && !reader.HasExited)
                killedInTime = StatusOf(worker.Id, "TracerPid:") == reader.Id.ToString(CultureInfo.InvariantCulture);
            reader.Kill();
            reader.WaitForExit();
        }

        Assert.True(killedInTime);
        Assert.Equal("0", StatusOf(worker.Id, "TracerPid:"));
        Assert.DoesNotContain(StatusOf(worker.Id, "State:")[0], "tT");
        Assert.Equal(before, Ask(worker.Id));
        worker.StandardInput.Close();
        Assert.True(worker.WaitForExit(Patience));
        Assert.Equal(2, worker.ExitCode);
    }

    // By root: a process with more rights than the reader; by others: one of another user, which the system's first one is.
    [RightsTheory]
    [InlineData(WorkerCommand.StackVerb)]
    public async Task A_thread_that_may_not_be_traced_is_a_clause(string verb)
    {
        using Process other = Worker();
        string id = Environment.IsPrivilegedProcess ? other.Id.ToString(CultureInfo.InvariantCulture) : "1";
        using Process reader = RightsTheoryAttribute.Start(WorkerCommand.Find(verb).FileName, verb, id, id);
        Assert.Equal("the system does not let the thread be traced (Operation not permitted)", (await reader.StandardError.ReadToEndAsync()).Trim());
        await reader.WaitForExitAsync();
        Assert.Equal(1, reader.ExitCode);
        other.Kill();
        other.WaitForExit();
    }

    [LinuxFact("The stack of a stuck thread is read by ptrace.")]
    public void A_process_without_dotnet_is_a_clause()
    {
        using Process other = Process.Start("sleep", ["1000"]);
        Assert.Equal("no managed stack: the process does not run .NET", Ask(other.Id));
        other.Kill();
        other.WaitForExit();
    }

    [LinuxFact("The stack of a stuck thread is read by ptrace.")]
    public void A_process_that_is_gone_is_a_clause()
    {
        using Process gone = Process.Start("true");
        gone.WaitForExit();
        Assert.Equal("no managed stack: the system does not let the thread be traced (No such process)", Ask(gone.Id));
    }

    private static LoaderRun Run(WorkerKind kind, string fault, LoaderOptions options)
    {
        IntegersDataset dataset = new(200);

        // A thread is at it until the stall is over; under Wine, on a loaded machine, a look at its stack has taken longer than 20 s.
        int threadSeconds = OperatingSystem.IsWindows() ? 60 : 20;
        options = options with { WorkerKind = kind, Faults = FaultPlan.Parse($"{fault}@31!") with { StallSeconds = kind == WorkerKind.Thread ? threadSeconds : 3600 } };
        LoaderRun run = LoaderRun.Of(dataset, options);
        Assert.Equal((199, 1), (run.Ledger.Delivered, run.Ledger.Skipped));
        return run;
    }

    private static string Ask(int process)
    {
        using ManualResetEventSlim done = new();
        using StackProbe probe = new(process, process, done.Set);
        Assert.True(probe.IsDone || done.Wait(Patience));
        return probe.Answer();
    }

    /// <summary>A worker that waits to be told what to load.</summary>
    private static Process Worker()
    {
        WorkerCommand command = WorkerCommand.Find(WorkerCommand.Verb);
        Process worker = Process.Start(new ProcessStartInfo(command.FileName, command.Arguments) { RedirectStandardInput = true, RedirectStandardError = true })!;
        for (long start = Stopwatch.GetTimestamp(); !Ask(worker.Id).Contains("LoaderWorkerProcess.ReadMessage", StringComparison.Ordinal);)
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience);
        return worker;
    }

    private static string StatusOf(int process, string key) =>
        File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(key, StringComparison.Ordinal))[key.Length..].Trim();
}
