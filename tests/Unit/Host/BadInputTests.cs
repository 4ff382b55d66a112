using System.Text;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;
using TestPng = RobustTrain.Tests.Data.TestPng;

namespace RobustTrain.Tests.Host;

/// <summary>What operators get wrong: each is one sentence with its exit code, and nothing is created.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public BadInputTests() => TinyPairs.Write(_folder.At("data"));

    public void Dispose() => _folder.Dispose();

    private static string[] Arguments(params string[] more) =>
    [
        "train", "--run-path", "run",
        "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
        "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", "trainer.epochs=1", "--set", "threads=1",
        .. more,
    ];

    private async Task IsRefused(ExitCode exitCode, string errorId, string sentence, string[] arguments, Dictionary<string, string?>? variables = null, string? target = null)
    {
        string[] before = Entries();

        HostRun run = await HostRun.EndOf(HostRun.Start(_folder.Path, variables ?? [], [.. arguments, "--events"]));

        Assert.Equal((int)exitCode, run.ExitCode);
        Assert.Contains(sentence, Assert.Single(run.Sentences), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        RunFinished failed = Assert.IsType<RunFinished>(EventLine.Read(Encoding.UTF8.GetBytes(run.Output.TrimEnd('\n').Split('\n')[^1])));
        Assert.Equal(("failed", (int)exitCode, errorId, run.Sentences[0]), (failed.State, failed.ExitCode, failed.ErrorId, failed.Error));
        if (target is not null)
            Assert.Equal(target, failed.Target);
        Assert.Equal(before, Entries());
    }

    // Nothing is created: every file and folder is as it was.
    private string[] Entries() => [.. Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order()];

    [Fact]
    public Task A_missing_data_folder() =>
        IsRefused(ExitCode.Configuration, "DatasetNotUsable", _folder.At("nowhere"), Arguments("--set", "data.path=nowhere"));

    [Fact]
    public async Task A_stack_trace_is_printed_only_where_it_is_asked_for()
    {
        HostRun run = await HostRun.EndOf(HostRun.Start(_folder.Path, new Dictionary<string, string?> { ["ROBUSTTRAIN_DEBUG"] = "1" }, Arguments("--set", "data.path=nowhere")));

        Assert.Equal((int)ExitCode.Configuration, run.ExitCode);
        Assert.Contains("   at RobustTrain.", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train_0")]
    [InlineData("val_4")]
    [InlineData("test_5")]
    public Task A_label_with_a_palette_of_colours(string name)
    {
        string label = _folder.At($"data/label/{name}.bmp");
        File.WriteAllBytes(label, TestPng.OfKind(32, 32, TestPng.Palette, 1, new byte[4 * 32], [TestPng.Chunk("PLTE", [0, 0, 0, 128, 0, 0])]));
        return IsRefused(ExitCode.Configuration, "DatasetNotUsable", $"'{label}' has a palette of colours", Arguments(), target: label);
    }

    [Fact]
    public Task An_image_that_may_not_be_converted()
    {
        string image = _folder.At("data/A/val_4.bmp");
        File.WriteAllBytes(image, TestPng.OfKind(32, 32, 6, 8, new byte[32 * 32 * 4]));
        return IsRefused(ExitCode.Configuration, "DatasetNotUsable", $"'{image}' has an alpha channel", Arguments("--set", "data.convert_images=false"), target: image);
    }

    [Fact]
    public Task An_empty_data_folder()
    {
        Directory.CreateDirectory(_folder.At("empty"));
        return IsRefused(ExitCode.Configuration, "DatasetNotUsable", _folder.At("empty"), Arguments("--set", "data.path=empty"));
    }

    [Fact]
    public Task No_data_path_at_all() =>
        IsRefused(ExitCode.Configuration, "ConfigurationMissingKey", "'data.path' is not given, but must be a path", ["train", "--run-path", "run", "--set", "seed=1"]);

    [Fact]
    public async Task A_run_that_is_not_there_and_no_configuration()
    {
        RunFolder.Open(_folder.At("night"), new TrainingConfig { Data = new() { Path = "/d" } }, ResumeMode.Never, RunVersions.Current()).Dispose();

        string sentence = $"There is no run at '{_folder.At("nigth")}' to go on with, and no configuration to begin one with; did you mean '{_folder.At("night")}'?";
        await IsRefused(ExitCode.Configuration, "RunNotFound", sentence, ["train", "--run-path", "nigth"]);
        await IsRefused(ExitCode.Configuration, "RunNotFound", sentence, ["config", "check", "--run-path", "nigth"]);
    }

    [Fact]
    public async Task Config_check_refuses_a_run_that_train_would_refuse()
    {
        HostRun begun = await HostRun.To(_folder.Path, Arguments());
        Assert.Equal(0, begun.ExitCode);

        await IsRefused(ExitCode.Configuration, "RunExists", "holds the run", ["config", "check", .. Arguments()[1..], "--resume", "never"]);
    }

    [Fact]
    public async Task A_run_whose_only_checkpoint_is_damaged_stays_as_it_was()
    {
        HostRun begun = await HostRun.To(_folder.Path, Arguments());
        Assert.Equal(0, begun.ExitCode);
        string run = _folder.At("run");
        File.Delete(Path.Combine(run, "test.json"));
        string record = File.ReadAllText(RunFolder.RecordPathOf(run)).Replace("\"state\": \"finished\"", "\"state\": \"stopped\"", StringComparison.Ordinal);
        Assert.Contains("\"state\": \"stopped\"", record, StringComparison.Ordinal);
        File.WriteAllText(RunFolder.RecordPathOf(run), record);
        string weights = Path.Combine(Assert.Single(Directory.EnumerateDirectories(RunFolder.CheckpointsPathOf(run))), "weights.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[^1] ^= 1;
        File.WriteAllBytes(weights, bytes);

        HostRun again = await HostRun.To(_folder.Path, "train", "--run-path", "run");

        Assert.Equal((int)ExitCode.Configuration, again.ExitCode);
        string sentence = Assert.Single(again.Sentences);
        Assert.StartsWith("The only candidate for the latest checkpoint is damaged: ", sentence, StringComparison.Ordinal);
        Assert.EndsWith($"without the folder {RunFolder.CheckpointsPathOf(run)} the training begins again.", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("is taken instead", again.Output, StringComparison.Ordinal);
        Assert.Equal(record, File.ReadAllText(RunFolder.RecordPathOf(run)));
    }

    [Fact]
    public Task A_pair_without_its_partner()
    {
        File.Delete(_folder.At("data", "B", "train_2.bmp"));
        return IsRefused(ExitCode.Configuration, "DatasetNotUsable", "'train_2'", Arguments());
    }

    [Fact]
    public Task A_pair_of_two_sizes()
    {
        TinyPairs.Write(_folder.At("data"), "B", "train_2.bmp", 48, (_, _) => 0);
        return IsRefused(ExitCode.Configuration, "DatasetNotUsable", "train_2.bmp", Arguments());
    }

    [Fact]
    public Task A_file_that_is_not_the_image_it_claims_to_be()
    {
        File.WriteAllText(_folder.At("data", "A", "train_2.bmp"), "not an image at all");
        return IsRefused(ExitCode.Configuration, "DatasetNotUsable", "train_2.bmp", Arguments());
    }

    [Fact]
    public async Task A_label_with_a_value_beyond_the_classes_ends_the_run_with_exit_code_3()
    {
        TinyPairs.Write(_folder.At("data"), "label", "train_2.bmp", 32, (_, _) => 7);

        HostRun run = await HostRun.To(_folder.Path, Arguments());

        Assert.Equal((int)ExitCode.Data, run.ExitCode);
        Assert.Contains("train_2.bmp", Assert.Single(run.Sentences), StringComparison.Ordinal);
        Assert.Equal((RunState.Failed, (int)ExitCode.Data, run.Sentences[0]), (RunFolder.ReadRecord(_folder.At("run")) is var record ? (record.State, record.ExitCode!.Value, record.Error) : default));
    }

    [Fact]
    public Task A_model_that_does_not_fit_the_image_size()
    {
        TinyPairs.Write(_folder.At("tiny"), side: 8);
        return IsRefused(ExitCode.Configuration, "ModelImageSize", "The model fc-siam-diff does not fit images of 8x8 pixels", Arguments("--set", "data.path=tiny", "--set", "data.crop_size=null"));
    }

    [Fact]
    public Task A_run_path_that_is_a_file()
    {
        File.WriteAllText(_folder.At("run"), "x");
        return IsRefused(ExitCode.Configuration, "RunPathIsFile", $"The run path '{_folder.At("run")}' is a file", Arguments());
    }

    [Fact]
    public Task A_run_path_that_holds_something_else()
    {
        Directory.CreateDirectory(_folder.At("run"));
        File.WriteAllText(_folder.At("run", "thesis.tex"), "x");
        return IsRefused(ExitCode.Configuration, "RunPathNotEmpty", "'thesis.tex'", Arguments());
    }

    [Fact]
    public Task Resuming_where_there_is_no_run() =>
        IsRefused(ExitCode.Configuration, "RunNotFound", $"There is no run at '{_folder.At("run")}'", Arguments("--resume", "require"));

    [Fact]
    public Task Resuming_what_is_no_run_without_naming_a_configuration() =>
        IsRefused(ExitCode.Configuration, "RunPathNotEmpty", $"The run path '{_folder.At("data")}' holds no run", ["train", "--run-path", "data", "--resume", "require"]);

    [Fact]
    public Task Resuming_without_a_run_path() =>
        IsRefused(ExitCode.Configuration, "RunPathMissing", "--resume require needs --run-path", ["train", "--set", "data.path=data", "--resume", "require"]);

    [Fact]
    public Task A_CUDA_device_that_is_not_there() =>
        IsRefused(ExitCode.Configuration, "DeviceNotFound", "device is 'cuda:7', but this build's libtorch computes on the CPU only; build with -p:TorchSharpPackage=TorchSharp-cuda-", Arguments("--set", "device=cuda:7"));

    [Fact]
    public Task Libtorch_not_found() => IsRefused(
        ExitCode.Configuration, "LibTorchNotFound", "/nowhere", Arguments(), new() { ["ROBUSTTRAIN_LIBTORCH"] = "/nowhere" });

    [Fact]
    public Task A_checkpoint_that_is_not_there() =>
        IsRefused(ExitCode.Configuration, "CheckpointNotFound", $"There is no folder '{_folder.At("nowhere")}'", ["evaluate", "nowhere"]);

    [Fact]
    public Task A_checkpoint_in_no_run_without_a_configuration() =>
        IsRefused(ExitCode.Configuration, "ConfigurationNotFound", "lies in no run", ["evaluate", "data"]);

    [Fact]
    public async Task Config_check_names_what_training_would_refuse_and_creates_nothing()
    {
        TinyPairs.Write(_folder.At("tiny"), side: 8);
        string[] before = Entries();
        string[] check = ["config", "check", .. Arguments().Skip(3)];

        HostRun good = await HostRun.To(_folder.Path, check);
        HostRun bad = await HostRun.To(_folder.Path, [.. check, "--set", "data.path=tiny", "--set", "data.crop_size=null", "--events"]);

        Assert.Equal((0, ""), (good.ExitCode, good.Error));
        Assert.Equal("The configuration is good: fc-siam-diff on cpu, 4 training, 1 validation and 1 test samples, 1 epoch of 2 steps.\n", good.Output);
        Assert.Equal(2, bad.ExitCode);
        ConfigurationChecked found = Assert.IsType<ConfigurationChecked>(EventLine.Read(Encoding.UTF8.GetBytes(bad.Output.Split('\n')[0])));
        Assert.Equal(bad.Sentences[0], Assert.Single(found.Errors).Message);
        Assert.Equal(before, Entries());
    }

    [FullDiskFact]
    public async Task No_space_left_for_the_run_leaves_nothing_behind()
    {
        HostRun run = await OnSmallDisk(kilobytes: 4, "ls -A small");

        Assert.Equal((int)ExitCode.Configuration, run.ExitCode);
        Assert.Equal($"The run path '{_folder.At("small", "run")}' can't be written: there is no space left on the disk.", Assert.Single(run.Sentences));
        Assert.Empty(run.Output);
    }

    [FullDiskFact]
    public async Task No_space_left_during_the_training_is_a_sentence_too()
    {
        HostRun run = await OnSmallDisk(kilobytes: 100, "cat small/run/run.json");

        Assert.Equal((int)ExitCode.Unexpected, run.ExitCode);
        Assert.Contains("space left", run.Sentences[0], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    // A file system of a few kilobytes in a mount namespace of its own, which goes with the process.
    private Task<HostRun> OnSmallDisk(int kilobytes, string afterwards)
    {
        Directory.CreateDirectory(_folder.At("small"));
        string train = string.Join(' ', Arguments().Select(argument => $"'{argument}'")).Replace("'run'", "small/run", StringComparison.Ordinal);
        string script = $"mount -t tmpfs -o size={kilobytes}k tmpfs small && '{HostRun.Executable}' {train} >/dev/null; code=$?; {afterwards}; exit $code";
        return HostRun.EndOf(FullDiskFactAttribute.Start(_folder.Path, script));
    }
}
