using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using System.Text.RegularExpressions;
using RobustTrain.Configuration;
using RobustTrain.Runs.Events;
using RobustTrain.Tests.Data;

namespace RobustTrain.Tests.Host;

/// <summary>What 'config check' finds: all that would fail, and not the first of it.</summary>
public sealed class ConfigCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ConfigCheckTests() => TinyPairs.Write(_folder.At("data"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_broken_file_of_every_split_is_named_whether_its_header_is_good_or_not()
    {
        Truncate("A", "train_1.bmp");
        Truncate("B", "train_1.bmp");
        TinyPairs.Write(_folder.At("data"), "label", "val_4.bmp", 32, (row, column) => (byte)(row == 31 ? 9 : column == 31 ? 7 : 0));
        Truncate("B", "test_5.bmp");

        ConfigurationChecked found = await Check();

        string[] broken = [At("A", "train_1.bmp"), At("B", "train_1.bmp"), At("label", "val_4.bmp"), At("B", "test_5.bmp")];
        Assert.Equal(broken.Length, found.Errors.Count);
        Assert.All(broken.Zip(found.Errors), pair => Assert.Contains(pair.First, pair.Second.Message, StringComparison.Ordinal));
        Assert.All(found.Errors, error => Assert.Equal("SampleNotReadable", error.ErrorId));
        Assert.EndsWith("has the values 7, 9, beyond the 2 classes; expected 0 and 1, or 0 and 255.", found.Errors[2].Message.Replace(", or 255 to ignore", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal((4, 1, 1), (found.TrainingSamples, found.ValidationSamples, found.TestSamples));
    }

    [Fact]
    public async Task A_split_that_cannot_be_opened_hides_no_other()
    {
        File.WriteAllText(At("A", "train_0.bmp"), "no image");
        File.WriteAllText(At("B", "train_2.bmp"), "no image");
        File.Delete(At("label", "val_4.bmp"));
        TinyPairs.Write(_folder.At("data"), "B", "test_5.bmp", 16, (_, _) => 9);

        HostRun run = await HostRun.To(_folder.Path, Arguments());
        ConfigurationChecked found = await Check();

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(run.Sentences, found.Errors.Select(error => error.Message));
        Assert.Equal([At("A", "train_0.bmp"), At("B", "train_2.bmp"), "'val_4'", At("B", "test_5.bmp")], found.Errors.Select(error => new[] { At("A", "train_0.bmp"), At("B", "train_2.bmp"), "'val_4'", At("B", "test_5.bmp") }.First(file => error.Message.Contains(file, StringComparison.Ordinal))));
        Assert.Null(found.TrainingSamples);
        Assert.Equal(["training", "test"], _warnings.Select(warning => Regex.Match(warning, "^The pixels of the (\\w+) split were not read").Groups[1].Value));
    }

    [Fact]
    public async Task What_a_training_would_skip_is_a_warning_as_long_as_it_may()
    {
        Truncate("A", "train_1.bmp");
        ConfigurationChecked good = await Check("--set", "loader.on_bad_sample=skip", "--set", "loader.max_skipped=1");
        Assert.Empty(good.Errors);
        Assert.Contains("Its samples will be skipped.", Assert.Single(_warnings), StringComparison.Ordinal);

        ConfigurationChecked bad = await Check("--set", "loader.on_bad_sample=skip", "--set", "loader.max_skipped=0");
        Assert.Equal(["SampleNotReadable", "SkipBudgetExceeded"], bad.Errors.Select(error => error.ErrorId));
    }

    [Fact]
    public async Task Files_that_no_sample_uses_are_warned_of_once()
    {
        File.WriteAllText(At("A", "train_9.tif"), "x");
        Assert.Empty((await Check()).Errors);
        Assert.Equal($"Files of another format than PNG, JPEG and BMP are not used (1 file: '{At("A", "train_9.tif")}').", Assert.Single(_warnings));
    }

    [PipeFact]
    public async Task A_pipe_in_the_folder_hangs_nothing()
    {
        File.Delete(At("B", "val_4.bmp"));
        using (Process pipe = Process.Start("mkfifo", [At("B", "val_4.bmp")]))
            await pipe.WaitForExitAsync();
        Assert.Equal($"The file '{At("B", "val_4.bmp")}' is a pipe and not a file.", Assert.Single((await Check()).Errors).Message);
    }

    [RightsTheory]
    [UnsupportedOSPlatform("windows")]
    [InlineData("A")]
    [InlineData("B/inner")]
    [InlineData("lost+found")]
    public async Task A_folder_that_cannot_be_read_is_named_where_it_is_the_data_sets(string folder)
    {
        string path = _folder.At("data", folder);
        Directory.CreateDirectory(path);
        UnixFileMode before = File.GetUnixFileMode(path);
        File.SetUnixFileMode(path, UnixFileMode.None);
        try
        {
            HostRun run = await HostRun.EndOf(RightsTheoryAttribute.Start(
                "bash", "-c", $"cd '{_folder.Path}' && exec '{HostRun.Executable}' {string.Join(' ', Arguments("--events"))}"));
            string[] expected = folder == "lost+found" ? [] : [$"The data folder '{path}' can't be read: permission denied."];
            Assert.Equal(expected, ReadChecked(run).Errors.Select(error => error.Message));
        }
        finally
        {
            File.SetUnixFileMode(path, before);
        }
    }

    [LinuxTheory("Windows has no such limit.")]
    [InlineData("process")]
    public async Task Too_few_descriptors_for_the_workers_are_found(string kind)
    {
        // Each worker takes some in the trainer's process.
        using Process process = Process.Start(new ProcessStartInfo("bash", ["-c", $"ulimit -n 150; exec '{HostRun.Executable}' {string.Join(' ', Arguments("--set", $"loader.worker_kind={kind}", "--set", "loader.num_workers=40", "--events"))}"])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        HostRun run = await HostRun.EndOf(process);
        ConfigurationError error = Assert.Single(ReadChecked(run).Errors);
        Assert.Equal("LimitTooLow", error.ErrorId);
        Assert.StartsWith("The limit of open files (ulimit -n) is 150, but ", error.Message, StringComparison.Ordinal);
    }

    private readonly List<string> _warnings = [];

    private static string[] Arguments(params string[] more) =>
    [
        "config", "check",
        "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
        "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", "trainer.epochs=1", "--set", "threads=1",
        .. more,
    ];

    private async Task<ConfigurationChecked> Check(params string[] more) => ReadChecked(await HostRun.To(_folder.Path, Arguments([.. more, "--events"])));

    private ConfigurationChecked ReadChecked(HostRun run)
    {
        RunEvent?[] events = [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => EventLine.Read(Encoding.UTF8.GetBytes(line)))];
        _warnings.Clear();
        _warnings.AddRange(events.OfType<RunWarning>().Select(warning => warning.Message));
        return Assert.Single(events.OfType<ConfigurationChecked>());
    }

    private string At(string part, string name) => _folder.At("data", part, name);

    private void Truncate(string part, string name)
    {
        using FileStream file = File.OpenWrite(At(part, name));
        file.SetLength(file.Length - 100);
    }
}
