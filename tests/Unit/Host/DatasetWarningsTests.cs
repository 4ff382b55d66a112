using System.Text;
using RobustTrain.Runs.Events;
using TestPng = RobustTrain.Tests.Data.TestPng;

namespace RobustTrain.Tests.Host;

/// <summary>What a dataset converts is said by every command that opens it, once for each kind.</summary>
public sealed class DatasetWarningsTests : IDisposable
{
    private const string Sentence = "The alpha channel of images is dropped (2 files: ";

    private readonly TemporaryFolder _folder = new();

    public DatasetWarningsTests()
    {
        TinyPairs.Write(_folder.At("data"));
        byte[] rgba = TestPng.OfKind(32, 32, 6, 8, new byte[32 * 32 * 4]);
        File.WriteAllBytes(_folder.At("data/A/train_0.bmp"), rgba);
        File.WriteAllBytes(_folder.At("data/A/test_5.bmp"), rgba);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_check_a_training_and_an_evaluation_say_it()
    {
        string[] settings =
        [
            "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
            "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", "trainer.epochs=1", "--set", "threads=1",
        ];
        Assert.Contains($"Warning: {Sentence}", (await RunAsync(["config", "check", .. settings])).Output, StringComparison.Ordinal);
        foreach (string[] command in (string[][])[["config", "check"], ["train", "--run-path", "run"]])
            IsWarned(await RunAsync([.. command, .. settings, "--events"]), Sentence);
        RunWarning kept = Assert.Single(File.ReadLines(_folder.At("run/events.ndjson")).Select(line => EventLine.Read(Encoding.UTF8.GetBytes(line))).OfType<RunWarning>());
        Assert.Equal(("alpha_dropped", 2), (kept.Kind, kept.Count));
        IsWarned(await RunAsync(["evaluate", "run", "--split", "test", "--events"]), "The alpha channel of images is dropped (1 file: ");
    }

    [Fact]
    public async Task The_event_names_every_file_and_the_sentence_says_so()
    {
        byte[] rgba = File.ReadAllBytes(_folder.At("data/A/train_0.bmp"));
        foreach (int index in (int[])[1, 2])
            File.WriteAllBytes(_folder.At($"data/A/train_{index}.bmp"), rgba);
        string[] loader = ["loader", "--images", "data/A", "--crop-size", "16", "--workers", "1"];
        // In front of it stands an ellipsis, which not every code page of Windows has.
        Assert.Contains("). Its event (--events, or events.ndjson of a run) names all of them.\n", (await RunAsync(loader)).Output, StringComparison.Ordinal);
        RunWarning warning = (await RunAsync([.. loader, "--events"])).Output.TrimEnd('\n').Split('\n').Select(line => EventLine.Read(Encoding.UTF8.GetBytes(line))).OfType<RunWarning>().First(warning => warning.Kind == "alpha_dropped");
        Assert.Equal(["test_5.bmp", "train_0.bmp", "train_1.bmp", "train_2.bmp"], warning.Files!.Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_measurement_of_the_loader_says_it() =>
        IsWarned(await RunAsync(["loader", "--images", "data/A", "--crop-size", "16", "--workers", "1", "--events"]), Sentence);

    private static void IsWarned(HostRun run, string sentence) =>
        Assert.Equal("alpha_dropped", Assert.Single(
            run.Output.TrimEnd('\n').Split('\n').Select(line => EventLine.Read(Encoding.UTF8.GetBytes(line))).OfType<RunWarning>(),
            warning => warning.Message.StartsWith(sentence, StringComparison.Ordinal)).Kind);

    private async Task<HostRun> RunAsync(string[] arguments)
    {
        HostRun run = await HostRun.EndOf(HostRun.Start(_folder.Path, arguments));
        Assert.True(run.ExitCode == 0, run.Error);
        return run;
    }
}
