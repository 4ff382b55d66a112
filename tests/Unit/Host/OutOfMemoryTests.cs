using System.Globalization;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Native;

namespace RobustTrain.Tests.Host;

/// <summary>The executable where tensors above a size find no memory.</summary>
public sealed class OutOfMemoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public OutOfMemoryTests() => TinyPairs.Write(_folder.At("data"), side: 128);

    [HalvingTheory]
    [InlineData(1_700_000, new[] { 2 })]
    [InlineData(950_000, new[] { 2, 1 })]
    public async Task A_batch_that_does_not_fit_is_computed_in_halves_and_the_steps_stay_the_same(int limitBytes, int[] samplesAtOnce)
    {
        (HostRun end, IReadOnlyList<RunEvent> events) = await Train(limitBytes);

        Assert.Equal((0, ""), (end.ExitCode, end.Error));
        Assert.Equal(samplesAtOnce.Select(samples => (0L, samples)), events.OfType<MicroBatchHalved>().Select(halved => (halved.GlobalStep, halved.SamplesAtOnce)));
        Assert.Equal([0L, 1L], events.OfType<StepFinished>().Select(step => step.GlobalStep));
        Assert.Equal([4L, 8L], events.OfType<EpochFinished>().Select(epoch => epoch.LedgerTotals!.Delivered));
    }

    [LinuxTheory("Its memory is refused by a library that is preloaded.")]
    [InlineData(600_000, "The memory was not enough for even one sample at once in step 0 (epoch 0, batch 0); make data.crop_size or model.base_channels smaller.")]
    [InlineData(15_000, "The memory was not enough for the network and its optimiser; make model.base_channels smaller.")]
    public async Task Where_even_the_least_does_not_fit_the_exit_code_is_5_and_one_sentence_says_why(int limitBytes, string sentence)
    {
        (HostRun end, _) = await Train(limitBytes);

        Assert.Equal((5, $"robusttrain: {sentence}\n"), (end.ExitCode, end.Error));
    }

    [LinuxTheory("Its memory is refused by a library that is preloaded.")]
    [InlineData(1, "The memory was not enough for even one sample at once in the validation pass; make model.base_channels smaller.")]
    [InlineData(2, "The memory was not enough for the validation pass with batches of 2; make loader.eval_batch_size smaller.")]
    public async Task Where_a_validation_does_not_fit_the_sentence_says_what_to_make_smaller(int batchSize, string sentence)
    {
        (HostRun end, IReadOnlyList<RunEvent> events) = await Train(400_000, "--set", "data.crop_size=32", "--set", $"loader.eval_batch_size={batchSize}");

        Assert.Equal((5, $"robusttrain: {sentence}\n"), (end.ExitCode, end.Error));
        Assert.Single(events.OfType<StepFinished>());
    }

    public void Dispose() => _folder.Dispose();

    private async Task<(HostRun End, IReadOnlyList<RunEvent> Events)> Train(int limitBytes, params string[] more)
    {
        var variables = new Dictionary<string, string?>
        {
            ["LD_PRELOAD"] = PreloadedStub.Memory,
            ["MEMORY_STUB_LIMIT"] = limitBytes.ToString(CultureInfo.InvariantCulture),
        };
        using LiveTraining training = new(HostRun.Start(
            _folder.Path, variables,
            ["train", "--run-path", "run", "--events",
            "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=128", "--set", "loader.batch_size=4",
            "--set", "model.base_channels=4", "--set", "trainer.epochs=2", "--set", "trainer.log_interval_seconds=0", "--set", "threads=1", .. more]));
        return (await training.End(), training.Events);
    }

    /// <summary>A theory about how much memory a convolution takes, which is known of oneDNN where it uses all of the processor.</summary>
    private sealed class HalvingTheoryAttribute : TheoryAttribute
    {
        public HalvingTheoryAttribute()
        {
            if (!OperatingSystem.IsLinux())
                Skip = "Its memory is refused by a library that is preloaded.";
            else if (LibTorch.Warning is not null)
                Skip = "oneDNN is limited on this machine, which hides its caches, and takes other amounts of memory.";
        }
    }
}
