using RobustTrain.Tests.Reports;

namespace RobustTrain.Tests.Host;

public sealed class PlotCommandTests : IDisposable
{
    private readonly StoryFolder _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task Plot_draws_a_png_of_the_size_that_is_asked_for_and_overwrites_none_unasked()
    {
        _run.Write();
        string[] command = ["plot", _run.Path, "--metric", "f1", "--output", "f1.png", "--width", "640", "--height", "320"];
        HostRun drawn = await HostRun.To(_run.Parent, command);

        Assert.Equal((0, ""), (drawn.ExitCode, drawn.Error));
        byte[] png = File.ReadAllBytes(Path.Combine(_run.Parent, "f1.png"));
        Assert.Equal([0x89, 0x50, 0x4e, 0x47], png[..4]);
        Assert.Equal([0, 0, 2, 0x80, 0, 0, 1, 0x40], png[16..24]);

        HostRun again = await HostRun.To(_run.Parent, command);
        Assert.Equal(2, again.ExitCode);
        Assert.EndsWith("is there already; --force overwrites it.", Assert.Single(again.Sentences), StringComparison.Ordinal);
        Assert.Equal(0, (await HostRun.To(_run.Parent, [.. command, "--force"])).ExitCode);
    }

    [Theory]
    [InlineData("f1.jpg", "f1", "", "has the extension '.jpg'; expected .png.")]
    [InlineData("no/f1.png", "f1", "", "does not exist.")]
    [InlineData("f1.png", "f2", "", "did you mean 'f1'?")]
    [InlineData("f1.png", "f1", "--smooth 1", "expected 0 or more, and less than 1.")]
    [InlineData("f1.png", "f1", "--width 3", "expected 200 to 8000.")]
    public async Task Mistakes_get_one_sentence_and_write_nothing(string output, string metric, string more, string end)
    {
        _run.Write(epochs: 1);
        HostRun refused = await HostRun.To(_run.Parent, ["plot", _run.Path, "--metric", metric, "--output", output, .. more.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Assert.Equal(2, refused.ExitCode);
        Assert.EndsWith(end, Assert.Single(refused.Sentences), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_run.Parent, output)));
    }
}
