using System.Text;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

public sealed class SampleDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Events_tell_each_scene_and_the_best_F1_of_differencing()
    {
        HostRun run = await HostRun.To(_folder.Path, "sample-data", "demo", "--seed", "3", "--events");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        RunEvent[] events = [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => EventLine.Read(Encoding.UTF8.GetBytes(line))!)];
        Assert.Equal(Enumerable.Range(1, 12), events.OfType<SampleDataProgress>().Select(progress => progress.Done));
        SampleDataFinished finished = Assert.IsType<SampleDataFinished>(events[^1]);
        Assert.Equal((_folder.At("demo"), 12, 3L), (finished.Path, finished.Scenes, finished.Seed));
        Assert.InRange(finished.DifferencingF1!.Value, 0.01, 0.5);
        Assert.Equal(12 * 3, Directory.EnumerateFiles(finished.Path, "*.bmp", SearchOption.AllDirectories).Count());
    }

    [FullDiskFact]
    public async Task A_full_disk_ends_it_as_it_ends_every_other_command()
    {
        Directory.CreateDirectory(_folder.At("out"));
        using SmallDisk disk = new(_folder.At("out"));
        await disk.LeavePages(8);

        HostRun run = await HostRun.EndOf(disk.Start(_folder.Path, HostRun.Executable, "sample-data", "out/demo", "--task", "classification"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("no space left on the disk.", Assert.Single(run.Sentences), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(disk.Path));
    }

    [Fact]
    public async Task A_folder_that_holds_something_is_refused_and_left_alone()
    {
        File.WriteAllText(_folder.At("precious"), "x");

        HostRun run = await HostRun.To(_folder.Path, "sample-data", ".", "--events");

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(["precious"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
        RunFinished failed = Assert.IsType<RunFinished>(EventLine.Read(Encoding.UTF8.GetBytes(run.Output.Trim())));
        Assert.Equal(("failed", 2, "DatasetNotUsable"), (failed.State, failed.ExitCode, failed.ErrorId));
        Assert.Equal(failed.Error, Assert.Single(run.Sentences));
    }
}
