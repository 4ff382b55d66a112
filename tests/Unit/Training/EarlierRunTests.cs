using RobustTrain.Runs;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Tests.Training;

/// <summary>
/// A run that was stopped at step 6 of 12 by the version that trained on a binding of its own over libtorch 1.13
/// (fixtures/run-of-libtorch-1.13, made from the same small training).
/// </summary>
[Collection(TorchCollection.Name)]
public sealed class EarlierRunTests : IDisposable
{
    private readonly SmallTraining _training = new();

    public EarlierRunTests()
    {
        _training.Config = _training.Config with { Trainer = _training.Config.Trainer with { EmaDecay = 0.9 } };
    }

    public void Dispose() => _training.Dispose();

    [LinuxFact("The run that it reads was made on Linux, whose paths it names.")]
    public void A_run_of_the_version_on_libtorch_1_13_goes_on_where_it_stopped()
    {
        TakeEarlierRun();
        var journal = new MemoryJournal();

        TrainingOutcome outcome = _training.Run(journal);

        Assert.Equal(ExitCode.Finished, outcome.ExitCode);
        Assert.Equal([6, 7, 8, 9, 10, 11], journal.Of<RobustTrain.Runs.Events.StepFinished>().Select(step => step.GlobalStep));
    }

    [LinuxFact("The run that it reads was made on Linux, whose paths it names.")]
    public void It_ends_where_a_training_that_never_stopped_ends_but_for_the_rounding_of_another_libtorch()
    {
        using SmallTraining untouched = new() { Config = _training.Config };
        untouched.Run();
        TakeEarlierRun();
        _training.Run();

        Assert.Equal(Losses(untouched), Losses(_training), new Close(1e-3f));
    }

    [LinuxFact("The run that it reads was made on Linux, whose paths it names.")]
    public void A_bit_that_turned_in_a_later_piece_of_a_file_of_format_2_is_found()
    {
        TakeEarlierRun();
        string file = Path.Combine(_training.CheckpointsPath, "step-000000006", Checkpoint.OptimizerFile);
        byte[] bytes = File.ReadAllBytes(file);
        Assert.True(bytes.Length > 128 << 10);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);

        CheckpointException refused = Assert.Throws<CheckpointException>(() => _training.Run());
        Assert.Contains("its SHA-256 is not the one in the manifest", refused.Message, StringComparison.Ordinal);
    }

    private static float[] Losses(SmallTraining training) =>
        [.. Directory.EnumerateFiles(Path.Combine(training.RunPath, "epochs"), "losses.csv", SearchOption.AllDirectories).Order()
            .SelectMany(file => File.ReadLines(file).Skip(1)).Select(line => float.Parse(line.Split(',')[2], System.Globalization.CultureInfo.InvariantCulture))];

    private void TakeEarlierRun()
    {
        string source = Path.Combine(AppContext.BaseDirectory, "Training", "fixtures", "run-of-libtorch-1.13");
        foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(_training.RunPath, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private sealed class Close(float relative) : IEqualityComparer<float>
    {
        public bool Equals(float x, float y) => Math.Abs(x - y) <= relative * Math.Abs(x);

        public int GetHashCode(float value) => 0;
    }
}
