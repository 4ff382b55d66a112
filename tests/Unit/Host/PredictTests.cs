using System.Diagnostics;
using System.Text;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs.Events;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Host;

public sealed class PredictTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PredictTests()
    {
        Write("A/one.bmp", 40, 24, seed: 1);
        Write("B/one.bmp", 40, 24, seed: 2);
        Write("A/deeper/two.bmp", 33, 50, seed: 3);
        Write("B/deeper/two.bmp", 33, 50, seed: 4);
    }

    // A trained network, as small as they come.
    private static string Run => Path.Combine(AppContext.BaseDirectory, "Training", "fixtures", "run-of-libtorch-1.13");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Two_folders_give_a_change_map_and_a_score_map_for_each_pair_and_say_what_is_in_them()
    {
        (HostRun run, RunEvent[] events) = await Predict("--image-a", "A", "--image-b", "B", "--probability");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal([Path.Combine("deeper", "two.png"), Path.Combine("deeper", "two.score.png"), "one.png", "one.score.png"], Written("out"));
        PredictionMade[] made = [.. events.OfType<PredictionMade>()];
        Assert.Equal([(33, 50), (40, 24)], made.Select(pair => (pair.Width, pair.Height)));
        foreach (PredictionMade pair in made)
        {
            byte[] map = Pixels(pair.MapPath);
            byte[] scores = Pixels(pair.ScorePath!);
            Assert.All(map, value => Assert.True(value is 0 or 255));
            Assert.Equal(pair.ChangedShare, map.Count(value => value == 255) / (double)map.Length, 1e-9);
            // A change is what is likelier than none.
            Assert.All(map.Zip(scores), pixel => Assert.True(pixel.First == 255 ? pixel.Second >= 127 : pixel.Second <= 128));
            Assert.Equal(scores.Average(score => Math.Max(score, 255 - score) / 255.0), pair.MeanConfidence, 3e-3);
        }
    }

    [Fact]
    public async Task A_folder_with_A_and_B_and_a_list_of_pairs_mean_the_same()
    {
        File.WriteAllText(_folder.At("list"), $"{_folder.At("A/one.bmp")}\t{_folder.At("B/one.bmp")}\nA/deeper\tB/deeper\n");

        await Predict("--images", ".", "--output", "out");
        await Predict("--pairs", "list", "--output", "listed");

        Assert.Equal([Path.Combine("deeper", "two.png"), "one.png"], Written("out"));
        Assert.Equal(["one.png", "two.png"], Written("listed"));
        Assert.Equal(File.ReadAllBytes(_folder.At("out/deeper/two.png")), File.ReadAllBytes(_folder.At("listed/two.png")));
    }

    [Fact]
    public async Task One_pair_goes_into_the_file_that_is_named()
    {
        (HostRun run, RunEvent[] events) = await Predict("--image-a", "A/one.bmp", "--image-b", "B/one.bmp", "--output", "out/change.PNG", "--probability");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(["change.png", "change.score.png"], Written("out"));
        Assert.Equal(_folder.At("out/change.png"), events.OfType<PredictionMade>().Single().MapPath);
        (HostRun again, _) = await Predict("--image-a", "A/one.bmp", "--image-b", "B/one.bmp", "--output", "out/change.png");
        Assert.Contains("is there already; --force overwrites it.", Assert.Single(again.Sentences), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_overwritten_without_force()
    {
        Directory.CreateDirectory(_folder.At("out"));
        File.WriteAllText(_folder.At("out/one.png"), "precious");

        (HostRun refused, _) = await Predict("--images", ".");
        Assert.Equal((2, $"The file '{_folder.At("out/one.png")}' is there already; --force overwrites it."), (refused.ExitCode, Assert.Single(refused.Sentences)));
        Assert.Equal(["one.png"], Written("out"));

        (HostRun forced, _) = await Predict("--images", ".", "--force");
        Assert.Equal(0, forced.ExitCode);
        Assert.Equal(40 * 24, Pixels(_folder.At("out/one.png")).Length);
    }

    [Fact]
    public async Task A_check_says_how_many_pairs_there_are_and_writes_nothing()
    {
        (HostRun run, RunEvent[] events) = await Predict("--images", ".", "--check");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal((2, _folder.At("out")), (events.OfType<PredictionPlanned>().Single().Pairs, events.OfType<PredictionPlanned>().Single().OutputPath));
        Assert.False(Directory.Exists(_folder.At("out")));
    }

    [Fact]
    public async Task A_missing_partner_and_sizes_that_differ_are_named_before_anything_is_written()
    {
        Write("A/lonely.bmp", 8, 8, seed: 1);
        Write("B/one.bmp", 41, 24, seed: 2);

        (HostRun run, _) = await Predict("--images", ".");

        Assert.Equal(2, run.ExitCode);
        string sentence = Assert.Single(run.Sentences);
        Assert.StartsWith($"The image '{_folder.At("A/lonely.bmp")}' has no partner of its name in the folder '{_folder.At("B")}'.", sentence, StringComparison.Ordinal);
        Assert.Contains(_folder.At("B/one.bmp"), sentence, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("out")));
    }

    [Theory]
    [InlineData(new[] { "--image-a", "A/one.bmp", "--image-b", "B" }, "is a file, but its partner")]
    [InlineData(new[] { "--image-a", "A/one.bmp", "--image-b", "none.bmp" }, "There is no image or folder")]
    [InlineData(new[] { "--image-a", "A/one.bmp" }, "--image-a is given 1 time and --image-b 0 times")]
    [InlineData(new string[0], "There is nothing to predict")]
    [InlineData(new[] { "--images", "A" }, "has no folder 'A'; expected A and B")]
    [InlineData(new[] { "--images", ".", "--output", "out/x.png" }, "names a file, but a folder of images goes in; a folder is expected.")]
    [InlineData(new[] { "--image-a", "A/one.bmp", "--image-b", "B/one.bmp", "--output", "out/x.jpg" }, "ends in .jpg, but results are written as PNG; name it x.png.")]
    [InlineData(new[] { "--image-a", "A/one.bmp", "--image-b", "B/one.bmp", "--output", "A/one.bmp" }, "ends in .bmp, but results are written as PNG; name it one.png.")]
    [InlineData(new[] { "--images", ".", "--tile-size", "100" }, "--tile-size is 100, but must be a multiple of 16 from 64 to 8192.")]
    [InlineData(new[] { "--images", ".", "--overlap", "272" }, "--overlap is 272, but must be a multiple of 16 from 0 to half of the tile's 512.")]
    [InlineData(new[] { "--images", ".", "--set", "model.name=hanet" }, "is of another model: it holds fc-siam-diff")]
    [InlineData(new[] { "--image-a", "A/one.bmp", "--image-b", "B/one.bmp", "--image-a", "A", "--image-b", "B" }, "would both be")]
    public async Task What_can_t_be_predicted_is_refused_in_one_sentence(string[] arguments, string said)
    {
        (HostRun run, _) = await Predict(arguments);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(said, Assert.Single(run.Sentences), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("out")));
    }

    [Fact]
    public async Task A_pair_whose_pixels_are_damaged_is_left_out_and_the_others_are_predicted()
    {
        using (FileStream file = File.OpenWrite(_folder.At("A/deeper/two.bmp")))
            file.SetLength(file.Length / 2);

        (HostRun run, RunEvent[] events) = await Predict("--images", ".");

        Assert.Equal(3, run.ExitCode);
        Assert.Equal(["one.png"], Written("out"));
        Assert.Equal(_folder.At("A/deeper/two.bmp"), events.OfType<PredictionFailed>().Single().Target);
        Assert.Equal($"1 of 2 pairs could not be read; the others are in {_folder.At("out")}.", Assert.Single(run.Sentences));
    }

    [LinuxFact("Windows has no signals.")]
    public async Task Ctrl_C_ends_it_leaves_finished_pairs_and_no_half_written_file()
    {
        using Process process = await StartOnLargePair();

        Assert.Equal(0, PosixSignals.Send(process.Id, 2));
        HostRun run = await HostRun.EndOf(process);

        Assert.Equal((75, "The prediction was stopped before all pairs were predicted; what is finished stays, and the same command with --skip-existing goes on."), (run.ExitCode, Assert.Single(run.Sentences)));
        Assert.Equal([Path.Combine("deeper", "two.png"), "one.png"], Written("out"));

        // A smaller pair in place of the large one, which would take long.
        Write("A/zz.bmp", 40, 40, seed: 5);
        Write("B/zz.bmp", 40, 40, seed: 6);
        byte[] before = File.ReadAllBytes(_folder.At("out/one.png"));
        File.Delete(_folder.At("out/deeper/two.png"));
        (HostRun rest, RunEvent[] events) = await Predict("--images", ".", "--skip-existing");
        Assert.True(rest.ExitCode == 0, rest.Error);
        Assert.Equal([_folder.At("out/deeper/two.png"), _folder.At("out/zz.png")], events.OfType<PredictionMade>().Select(made => made.MapPath));
        Assert.Equal(before, File.ReadAllBytes(_folder.At("out/one.png")));
    }

    [LinuxFact("Windows has no signals.")]
    public async Task What_a_killed_prediction_left_half_written_goes_with_the_next_one()
    {
        using Process process = await StartOnLargePair();

        process.Kill();
        await HostRun.EndOf(process);
        string left = Assert.Single(Directory.EnumerateFiles(_folder.At("out")), file => Path.GetFileName(file) != "one.png");
        Assert.StartsWith(".", Path.GetFileName(left), StringComparison.Ordinal);

        Write("A/zz.bmp", 40, 40, seed: 5);
        Write("B/zz.bmp", 40, 40, seed: 6);
        (HostRun rest, _) = await Predict("--images", ".", "--skip-existing");
        Assert.True(rest.ExitCode == 0, rest.Error);
        Assert.Equal([Path.Combine("deeper", "two.png"), "one.png", "zz.png"], Written("out"));
    }

    [Fact]
    public async Task Of_a_result_in_two_files_both_are_made_where_one_is_missing()
    {
        await Predict("--images", ".", "--probability");
        File.Delete(_folder.At("out/one.score.png"));

        (HostRun run, RunEvent[] events) = await Predict("--images", ".", "--probability", "--skip-existing");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(_folder.At("out/one.png"), events.OfType<PredictionMade>().Single().MapPath);
        Assert.True(File.Exists(_folder.At("out/one.score.png")));
        (HostRun both, _) = await Predict("--images", ".", "--skip-existing", "--force");
        Assert.Equal((2, "--skip-existing and --force are both given, but one leaves results that are there and the other overwrites them; leave one out."), (both.ExitCode, Assert.Single(both.Sentences)));
    }

    [FullDiskFact]
    public async Task A_full_disk_is_named_and_leaves_nothing_half_written()
    {
        Write("A/zz.bmp", 600, 600, seed: 5);
        Write("B/zz.bmp", 600, 600, seed: 6);
        Directory.CreateDirectory(_folder.At("out"));
        using SmallDisk disk = new(_folder.At("out"));
        await disk.LeavePages(12);

        HostRun run = await HostRun.EndOf(disk.Start(_folder.Path, HostRun.Executable, "predict", Run, "--checkpoint", "latest", "--images", ".", "--output", "out", "--probability"));

        Assert.Equal((1, $"The file '{_folder.At("out/zz.png")}' could not be written: there is no space left on the disk."), (run.ExitCode, Assert.Single(run.Sentences)));
        Assert.Equal([Path.Combine("deeper", "two.png"), Path.Combine("deeper", "two.score.png"), "one.png", "one.score.png"], FilesBelow(disk.Path));
    }

    // A prediction in the middle of a pair that takes long, its last one.
    private async Task<Process> StartOnLargePair()
    {
        Write("A/zz.bmp", 4000, 4000, seed: 5);
        Write("B/zz.bmp", 4000, 4000, seed: 6);
        Process process = HostRun.Start(_folder.Path, [.. Arguments("--images", ".")]);
        while (await process.StandardOutput.ReadLineAsync() is { } line && !line.Contains("\"prediction_progress\"", StringComparison.Ordinal) | !line.Contains("\"zz\"", StringComparison.Ordinal))
        {
        }

        return process;
    }

    private async Task<(HostRun Run, RunEvent[] Events)> Predict(params string[] arguments)
    {
        HostRun run = await HostRun.To(_folder.Path, [.. Arguments(arguments)]);
        return (run, [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => EventLine.Read(Encoding.UTF8.GetBytes(line))!)]);
    }

    private static IEnumerable<string> Arguments(params string[] arguments) =>
        ["predict", Run, "--checkpoint", "latest", "--events", .. arguments, .. arguments.Contains("--output") ? [] : new[] { "--output", "out" }];

    private string[] Written(string folder) => FilesBelow(_folder.At(folder));

    private static string[] FilesBelow(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal)];

    private static byte[] Pixels(string file)
    {
        using ImageReader reader = new();
        ImageBuffer image = new();
        reader.Decode(file, image);
        Assert.Equal(1, image.Channels);
        return image.Pixels.ToArray();
    }

    private void Write(string file, int width, int height, int seed)
    {
        ImageBuffer image = new();
        image.SetSize(width, height, 3);
        new Random(seed).NextBytes(image.Pixels);
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.At(file))!);
        File.WriteAllBytes(_folder.At(file), BmpEncoder.Encode(image));
    }
}
