using System.Diagnostics;
using RobustTrain.Data;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Tests.Data;

/// <summary>Signals that somebody else sends to a worker, which are not faults of its own.</summary>
[Collection(LoaderCollection.Name)]
public sealed class LoaderSignalTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private static readonly LoaderOptions Options = new()
    {
        BatchSize = 8,
        Shuffle = true,
        Seed = 5,
        NumWorkers = 2,
        WorkerKind = WorkerKind.Process,
        Timeout = TimeSpan.FromSeconds(2),
        HealthCheckInterval = TimeSpan.FromMilliseconds(50),
        MaxErrors = 50,
    };

    [LinuxTheory("Windows has no signals.")]
    [InlineData("KILL", "killed by signal 9 (SIGKILL)")]
    [InlineData("TERM", "killed by signal 15 (SIGTERM)")]
    [InlineData("STOP", " stopped")]
    [InlineData("SEGV", "killed by signal 11 (SIGSEGV)")]
    public void A_worker_that_a_signal_takes_is_reported_with_its_end_and_no_sample_is_lost(string signal, string reason)
    {
        (LoaderRun run, int process, _) = Disturb(Options, (worker, events) =>
        {
            // The runtime withdraws its handler at the first SIGSEGV that is no fault of its own, and dies of a later one.
            do
                Send(signal, worker);
            while (!SpinWait.SpinUntil(() => Losses(events()).Any(), signal == "SEGV" ? Interval : Patience));
        });
        LoaderEvent lost = Losses(run.Events).First();
        Assert.Equal(process, lost.ProcessId);
        Assert.Contains(reason, lost.Message, StringComparison.Ordinal);
    }

    [LinuxTheory("Windows has no signals.")]
    [InlineData("INT")]
    [InlineData("SEGV")]
    public void A_worker_that_outlives_a_signal_goes_on(string signal)
    {
        (LoaderRun run, int process, int later) = Disturb(Options with { Timeout = Patience }, (worker, _) => Send(signal, worker));
        Assert.Empty(Losses(run.Events));
        Assert.Equal(process, later);
    }

    /// <summary>Goes through an epoch, in the midst of which something happens to a worker: its process before, and when all is done.</summary>
    private static (LoaderRun Run, int Before, int After) Disturb(LoaderOptions options, Action<int, Func<LoaderEvent[]>> disturbance)
    {
        IntegersDataset dataset = new(2000);
        List<LoaderEvent> events = [];
        int before = 0;
        int after = 0;
        using PrefetchLoader loader = new(dataset, options with { Observer = happened => { lock (events) events.Add(happened); } });
        LoaderRun run = LoaderRun.Of(loader, events, onBatch: (stream, batch) =>
        {
            if (batch.Index == 10)
            {
                Assert.True(SpinWait.SpinUntil(() => stream.Workers.All(worker => worker.Health == WorkerHealth.Alive), Patience));
                before = stream.Workers[1].ProcessId!.Value;
                disturbance(before, () => { lock (events) return [.. events]; });
            }

            after = stream.Workers[1].ProcessId ?? 0;
        }).MustBeWhole(dataset, options);
        Assert.Equal(LoaderRun.Of(dataset, options with { NumWorkers = 0 }).Ledger.Digest, run.Ledger.Digest);
        return (run, before, after);
    }

    private static IEnumerable<LoaderEvent> Losses(IEnumerable<LoaderEvent> events) =>
        events.Where(happened => happened.Kind is LoaderEventKind.WorkerDied or LoaderEventKind.WorkerStuck);

    private static void Send(string signal, int process) => Process.Start("kill", [$"-{signal}", $"{process}"]).WaitForExit();
}
