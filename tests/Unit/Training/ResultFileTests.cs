using RobustTrain.Training.Prediction;

namespace RobustTrain.Tests.Training;

public sealed class ResultFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Only_what_nobody_writes_any_more_is_deleted()
    {
        string[] foreign = ["map.png.4711.tmp", ".robusttrain-result-notes.txt", ".other.tmp"];
        foreach (string name in foreign.Append(".robusttrain-result-0123456789abcdef0123456789abcdef.tmp"))
            File.WriteAllText(_folder.At(name), "half");
        using ResultFile living = new(_folder.At("living.png"));
        living.Stream.Write("whole"u8);

        using (ResultFile next = new UnfinishedFiles().Open(_folder.At("next.png")))
            next.Complete();
        living.Complete();

        Assert.Equal([.. foreign.Concat(["living.png", "next.png"]).Order(StringComparer.Ordinal)], Directory.EnumerateFiles(_folder.Path).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal));
        Assert.Equal("whole", File.ReadAllText(_folder.At("living.png")));
    }
}
