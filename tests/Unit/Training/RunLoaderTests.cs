using System.Text.Json;
using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Tests.Training;

/// <summary>What a run's loaders tell, remember and leave out.</summary>
[Collection(TorchCollection.Name)]
public sealed class RunLoaderTests : IDisposable
{
    private readonly SmallTraining _untouched = new();
    private readonly SmallTraining _stopped = new();

    public RunLoaderTests()
    {
        foreach (SmallTraining training in (SmallTraining[])[_untouched, _stopped])
            training.Config = training.Config with { Loader = training.Config.Loader with { OnBadSample = BadSamplePolicy.Skip, MaxSkipped = 3 } };
    }

    [Fact]
    public void A_resumed_run_goes_without_the_samples_that_it_went_without_before_whatever_other_runs_have_found()
    {
        Break(_untouched, 5);
        _untouched.Run();
        Break(_stopped, 5);
        _stopped.RunSteps(6);
        string file = QuarantineOf(_stopped);
        Assert.Contains("square 5", File.ReadAllText(file));
        File.WriteAllText(file, File.ReadAllText(file).Replace("square 5", "square 9", StringComparison.Ordinal).Replace("\"sample_index\":5", "\"sample_index\":9", StringComparison.Ordinal));
        Assert.Equal(ExitCode.Finished, _stopped.Run().ExitCode);
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void A_later_run_over_the_same_data_goes_without_them_from_its_beginning_unless_told_to_ignore_it()
    {
        string shared = Path.Combine(Path.GetDirectoryName(_untouched.RunPath)!, "shared.json");
        Set(_untouched, loader => loader with { QuarantinePath = shared });
        Set(_stopped, loader => loader with { QuarantinePath = shared });
        Break(_untouched, 5);
        _untouched.Run();
        var journal = new MemoryJournal();
        _stopped.RunSteps(4, journal);
        LoaderChanged[] skipped = [.. journal.Of<LoaderChanged>().Where(change => change.Kind == "sample_skipped")];
        Assert.Equal(("square 5", 0, "training"), (Assert.Single(skipped).Sample, skipped[0].Epoch, skipped[0].Split));
        Assert.DoesNotContain(journal.Of<LoaderChanged>(), change => change.Kind == "sample_retried");

        using SmallTraining ignoring = new() { Config = _stopped.Config with { Loader = _stopped.Config.Loader with { IgnoreQuarantine = true } } };
        var ignored = new MemoryJournal();
        ignoring.RunSteps(4, ignored);
        Assert.DoesNotContain(ignored.Of<LoaderChanged>(), change => change.Kind == "sample_skipped");
    }

    [Fact]
    public void Validation_is_watched_as_training_is_and_goes_without_what_it_has_found()
    {
        _untouched.Data = _untouched.Data with { Validation = Broken(new SquaresDataset(6, salt: 1), 2) };
        var journal = new MemoryJournal();
        Assert.Equal(ExitCode.Finished, _untouched.Run(journal).ExitCode);
        LoaderChanged[] changes = [.. journal.Of<LoaderChanged>().Where(change => change.Split == "validation")];
        Assert.Equal([0, 1, 2], changes.Where(change => change.Kind == "sample_skipped").Select(change => change.Epoch!.Value));
        Assert.Equal([0], changes.Where(change => change.Kind == "sample_quarantined").Select(change => change.Epoch!.Value));
        LoaderEpoch[] passes = [.. journal.Of<LoaderEpoch>().Where(pass => pass.Split == "validation")];
        Assert.Equal([0, 1, 2], passes.Select(pass => pass.Epoch));
        Assert.All(passes, pass => Assert.Equal((5, 1, 1), (pass.Loader.Delivered, pass.Loader.Skipped, pass.Loader.Quarantined)));
        Assert.Equal(passes[0].Loader.Digest, passes[2].Loader.Digest);
    }

    [Fact]
    public void Validation_s_workers_live_on_from_pass_to_pass()
    {
        Set(_untouched, loader => loader with { NumWorkers = 1 });
        HashSet<Thread> threads = [];
        _untouched.Data = _untouched.Data with
        {
            Validation = new SquaresDataset(6, salt: 1) { OnLoad = _ => { lock (threads) threads.Add(Thread.CurrentThread); } },
        };
        _untouched.Run();
        Assert.Single(threads);
    }

    [Fact]
    public void Each_epoch_tells_what_its_loader_did_and_the_run_what_became_of_all_samples()
    {
        Break(_stopped, 5);
        var journal = new MemoryJournal();
        _stopped.RunSteps(6, journal);
        _stopped.Run(journal);
        EpochFinished[] epochs = [.. journal.Of<EpochFinished>()];
        Assert.Equal([0, 1, 2], epochs.Select(epoch => epoch.Epoch));
        Assert.All(epochs, epoch =>
        {
            Assert.Equal(("thread", 2, 13, 1, 1), (epoch.Loader!.WorkerKind, epoch.Loader.Workers, epoch.Loader.Delivered, epoch.Loader.Skipped, epoch.Loader.Quarantined));
            Assert.InRange(epoch.Loader.ConsumerWaitShare, 0, 1);
            string ledger = Path.Combine(RunFolder.EpochFolderOf(_stopped.RunPath, epoch.Epoch), "ledger.json");
            Assert.Equal(JsonDocument.Parse(File.ReadAllText(ledger)).RootElement.GetProperty("digest").GetString(), epoch.Loader.Digest);
        });
        Assert.Equal([13L, 26, 39], epochs.Select(epoch => epoch.LedgerTotals!.Delivered));
        LedgerTotals totals = epochs[^1].LedgerTotals!;
        Assert.Equal((3, 3), (totals.Skipped, totals.Quarantined));
        Assert.True(totals.Retried >= 1);
    }

    [Fact]
    public void The_run_s_account_is_whole_where_an_epoch_s_own_is_not_on_disk()
    {
        var journal = new MemoryJournal();
        _stopped.RunSteps(1);
        File.WriteAllText(RunFolder.EpochFolderOf(_stopped.RunPath, 0), "in the way");
        Assert.Throws<CheckpointException>(() => _stopped.Run(journal));
        Assert.Equal([14L, 28, 42], journal.Of<EpochFinished>().Select(epoch => epoch.LedgerTotals!.Delivered));
    }

    public void Dispose()
    {
        _untouched.Dispose();
        _stopped.Dispose();
    }

    private static string QuarantineOf(SmallTraining training) =>
        Assert.Single(Directory.GetFiles(Path.Combine(Path.GetDirectoryName(training.RunPath)!, "quarantine"), "*.json"));

    private static void Set(SmallTraining training, Func<LoaderOptions, LoaderOptions> change) =>
        training.Config = training.Config with { Loader = change(training.Config.Loader) };

    private static void Break(SmallTraining training, int sample) =>
        training.Data = training.Data with { Training = Broken(new SquaresDataset(14), sample) };

    private static SquaresDataset Broken(SquaresDataset dataset, int sample) =>
        new(dataset.Count, salt: dataset.Salt) { OnLoad = key => { if (key.Index == sample) throw new SampleException("The file is torn.", $"{sample}.png") { IsOfFile = true }; } };
}
