using System.Diagnostics;
using RobustTrain.Platform;
using RobustTrain.Tests.Data;

namespace RobustTrain.Tests.Host;

/// <summary>Predictions of networks that take single images: a full disk and Ctrl+C end them as they end those of pairs.</summary>
public sealed class PredictKindsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [FullDiskFact]
    public async Task A_full_disk_is_named_and_leaves_nothing_half_written()
    {
        await Train("super-resolution", "srvggnet-compact", "  scale: 4\n  features: 4\n  blocks: 1", "gt");
        await Train("segmentation", "unet", "  base_channels: 2", "images", "labels");
        await Train("classification", "resnet18", "  base_channels: 2\n  stem: small", "cats", "dogs");
        for (int image = 0; image < 40; image++)
            _folder.Write($"photos/{image:00}.bmp", TestImage.Coordinates(600 + image, 400, image));
        Directory.CreateDirectory(_folder.At("out"));
        using SmallDisk disk = new(_folder.At("out"));
        await disk.LeavePages(2);
        foreach ((string task, string output, string refused) in new[] { ("super-resolution", "out/large", "large/00.png"), ("segmentation", "out/maps", "maps/00.png") })
        {
            HostRun run = await Predict(disk, task, output, "photos");
            Assert.Equal((1, $"The file '{_folder.At("out", refused)}' could not be written: there is no space left on the disk."), (run.ExitCode, Said(run)));
            Assert.Empty(Directory.EnumerateFiles(disk.Path, "*", SearchOption.AllDirectories));
        }

        // A size of nothing would be none at all.
        File.WriteAllBytes(Path.Combine(disk.Path, "used"), new byte[4096]);
        await disk.LeavePages(0);
        HostRun labels = await Predict(disk, "classification", "out/labels.csv", "photos");
        Assert.Equal((1, $"The file '{_folder.At("out/labels.csv")}' could not be written: there is no space left on the disk."), (labels.ExitCode, Said(labels)));
    }

    [LinuxFact("Windows has no signals.")]
    public async Task Ctrl_C_ends_each_kind_leaves_nothing_half_written_and_says_how_to_go_on()
    {
        const string goesOn = "The prediction was stopped before all images were predicted; what is finished stays, and the same command with --skip-existing goes on.";
        await Train("super-resolution", "srvggnet-compact", "  scale: 4\n  features: 4\n  blocks: 1", "gt");
        await Train("segmentation", "unet", "  base_channels: 2", "images", "labels");
        await Train("classification", "resnet18", "  base_channels: 2\n  stem: small", "cats", "dogs");
        _folder.Write("photos/0.bmp", TestImage.Coordinates(40, 30, 1));
        _folder.Write("photos/large.bmp", TestImage.Coordinates(4000, 3000, 1));
        foreach (string task in new[] { "super-resolution", "segmentation" })
        {
            string output = $"{task}-out";
            HostRun stopped = await Interrupted(line => line.Contains("\"prediction_progress\"", StringComparison.Ordinal) && line.Contains("\"large\"", StringComparison.Ordinal), task, "photos", output);

            Assert.Equal((75, goesOn), (stopped.ExitCode, Said(stopped)));
            Assert.Equal([_folder.At(output, "0.png")], Directory.EnumerateFiles(_folder.At(output), "*", SearchOption.AllDirectories));
        }

        // Enough of them that the signal comes before the last one.
        for (int image = 0; image < 300; image++)
            File.CreateSymbolicLink(_folder.At($"photos/{image:000}-link.bmp"), _folder.At("photos/large.bmp"));
        HostRun labels = await Interrupted(line => line.Contains("\"label_predicted\"", StringComparison.Ordinal), "classification", "photos", "labels.csv");
        Assert.Equal((75, "The prediction was stopped before all images were predicted; labels are written when all are there, and the same command begins again."), (labels.ExitCode, Said(labels)));
        Assert.Empty(Directory.EnumerateFiles(_folder.Path, "labels*"));

        HostRun useless = await HostRun.To(_folder.Path, "predict", "classification-run", "--images", "photos/0.bmp", "--skip-existing");
        Assert.Equal(2, useless.ExitCode);
        Assert.StartsWith("--skip-existing is given, but the network of ", Said(useless), StringComparison.Ordinal);
    }

    private async Task<HostRun> Interrupted(Func<string, bool> isUnderWay, string task, string images, string output)
    {
        using Process process = HostRun.Start(_folder.Path, "predict", $"{task}-run", "--images", images, "--output", output, "--events");
        while (await process.StandardOutput.ReadLineAsync() is { } line && !isUnderWay(line))
        {
        }

        Assert.Equal(0, PosixSignals.Send(process.Id, 2));
        return await HostRun.EndOf(process);
    }

    private Task<HostRun> Predict(SmallDisk disk, string task, string output, string images) =>
        HostRun.EndOf(disk.Start(_folder.Path, HostRun.Executable, "predict", $"{task}-run", "--images", images, "--output", output));

    // torch itself may have something to say of the processor.
    private static string Said(HostRun run) => Assert.Single(run.Error.Split('\n'), line => line.StartsWith("robusttrain: ", StringComparison.Ordinal))["robusttrain: ".Length..];

    // A network that has learned one step.
    private async Task Train(string task, string model, string sizes, params string[] folders)
    {
        foreach (string split in new[] { "train", "val", "test" })
        {
            foreach (string folder in folders)
            {
                for (int image = 0; image < 2; image++)
                    _folder.Write($"{task}/{split}/{folder}/{image}.bmp", folder == "labels" ? TestImage.Grey(32, 32, (x, _) => x % 2) : TestImage.Coordinates(32, 32, image));
            }
        }

        string crop = task == "classification" ? "image_size: 32" : "crop_size: 32";
        File.WriteAllText(
            _folder.At($"{task}.yaml"),
            $"task: {task}\nmodel:\n  name: {model}\n{sizes}\ndata:\n  path: {task}\n  {crop}\nloader:\n  batch_size: 2\n  num_workers: 0\ntrainer:\n  total_iter: 1\n");
        HostRun run = await HostRun.To(_folder.Path, "train", $"{task}.yaml", "--run-path", $"{task}-run");
        Assert.True(run.ExitCode == 0, run.Error);
    }
}
