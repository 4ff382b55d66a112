using System.Text;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

public sealed class FindLearningRateTests(FindLearningRateTests.Scenes scenes) : IClassFixture<FindLearningRateTests.Scenes>
{
    [Fact]
    public async Task The_rate_rises_by_one_factor_the_loss_explodes_and_nothing_is_left()
    {
        (HostRun run, LearningRatesMeasured measured) = await Find("--steps", "60", "--from", "1e-4", "--to", "1000", "--set", "optimizer.name=sgd", "--set", "optimizer.momentum=0");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(Enumerable.Range(0, measured.Points.Count), measured.Points.Select(point => point.Step));
        Assert.Equal(1e-4, measured.Points[0].LearningRate, 1e-9);
        double factor = Math.Pow(1e7, 1.0 / 59);
        Assert.All(measured.Points.Zip(measured.Points.Skip(1)), pair => Assert.Equal(factor, pair.Second.LearningRate / pair.First.LearningRate, 1e-6));
        Assert.True(measured.HasExploded && measured.Points.Count is > 10 and < 60);
        Assert.Equal(measured.Points[0].Loss, measured.Points[0].SmoothedLoss, 1e-6);
        Assert.NotNull(measured.Suggested);
        Assert.True(measured.Points[measured.Suggested.Value].LearningRate < measured.Points[^1].LearningRate);
        Assert.Equal(["data"], Directory.EnumerateFileSystemEntries(scenes.Folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("--steps", "5", "--steps is 5, but must be from 10 to 1000000.")]
    [InlineData("--from", "0", "--from is 0, but must be above 0.")]
    [InlineData("--to", "1e-9", "--to is 1E-09, but must be above --from, which is 1E-07, and at most 1000000.")]
    public async Task What_is_out_of_range_is_refused(string option, string value, string sentence)
    {
        HostRun run = await HostRun.To(scenes.Folder.Path, [.. Arguments(option, value)]);
        Assert.Equal((2, sentence), (run.ExitCode, Assert.Single(run.Sentences)));
    }

    private async Task<(HostRun Run, LearningRatesMeasured Measured)> Find(params string[] arguments)
    {
        HostRun run = await HostRun.To(scenes.Folder.Path, [.. Arguments(arguments), "--events"]);
        RunEvent[] events = [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => EventLine.Read(Encoding.UTF8.GetBytes(line))!)];
        return (run, events.OfType<LearningRatesMeasured>().Single());
    }

    private static IEnumerable<string> Arguments(params string[] arguments) =>
        ["find-learning-rate", "--set", "data.path=data", "--set", "model.base_channels=2", "--set", "loader.batch_size=4", "--set", "loader.num_workers=0", "--set", "threads=1", .. arguments];

    public sealed class Scenes : IAsyncLifetime
    {
        internal TemporaryFolder Folder { get; } = new();

        public async Task InitializeAsync() => Assert.Equal(0, (await HostRun.To(Folder.Path, "sample-data", "data")).ExitCode);

        public Task DisposeAsync()
        {
            Folder.Dispose();
            return Task.CompletedTask;
        }
    }
}
