using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using RobustTrain.Tests.Host;
using RobustTrain.Tests.Monitoring;

namespace RobustTrain.Tests.Scripts;

/// <summary>scripts/leave-one-out.sh on small pairs.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class LeaveOneOutTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [LinuxFact("The script is one of Unix's shell.")]
    public async Task Each_pair_is_scored_by_a_training_without_it_beside_a_threshold_that_does_not_know_it()
    {
        TinyPairs.Write(_folder.At("data"));
        foreach (string part in new[] { "A", "B", "label" })
        {
            File.Delete(_folder.At($"data/{part}/train_2.bmp"));
            File.Delete(_folder.At($"data/{part}/train_3.bmp"));
        }

        File.WriteAllText(_folder.At("tiny.yaml"), "data: {path: data, dataset: change-pairs, crop_size: 32}\nmodel: {base_channels: 2}\nloader: {batch_size: 2, num_workers: 1}\ntrainer: {epochs: 2}\nthreads: 1\n");
        (int code, string output, string error) = await Run("data", "tiny.yaml", "runs", "--set", "seed=3");

        Assert.Equal((0, ""), (code, error));
        string[][] lines = [.. output.TrimEnd().Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
        Assert.Equal(["pair", "test_5", "train_0", "train_1", "val_4", "all"], lines.Select(line => line[0]));
        foreach (string[] pair in lines[1..^1])
        {
            Assert.InRange(double.Parse(pair[1], CultureInfo.InvariantCulture), 0, 1);
            Assert.Equal(["1.0000", "1.0000"], pair[2..]);
        }

        Assert.Equal("1.0000", lines[^1][^1]);
        Assert.Equal(["test_5.bmp", "train_1.bmp", "val_4.bmp"], File.ReadAllLines(_folder.At("runs/train_0.train.txt")).Order());
    }

    [LinuxFact("The script is one of Unix's shell.")]
    public async Task A_folder_that_holds_no_pairs_is_refused()
    {
        (int code, _, string error) = await Run("nowhere", "tiny.yaml", "runs");
        Assert.Equal(2, code);
        Assert.Contains("has no folder 'label'", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("runs")));
    }

    private async Task<(int Code, string Output, string Error)> Run(params string[] arguments)
    {
        ProcessStartInfo start = new(Path.Combine(TestFiles.Root, "scripts", "leave-one-out.sh"), arguments)
        {
            WorkingDirectory = _folder.Path, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["ROBUSTTRAIN"] = HostRun.Executable;
        using Process script = Process.Start(start)!;
        Task<string> output = script.StandardOutput.ReadToEndAsync();
        string error = await script.StandardError.ReadToEndAsync();
        await script.WaitForExitAsync();
        return (script.ExitCode, await output, error);
    }
}
