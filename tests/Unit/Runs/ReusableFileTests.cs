using RobustTrain.Runs;

namespace RobustTrain.Tests.Runs;

public sealed class ReusableFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ReusableFileTests() => File.WriteAllText(Old, "what it was");

    private string Old => _folder.At("old");

    private string New => _folder.At("new");

    [Fact]
    public void One_that_nobody_reads_gets_the_new_name()
    {
        if (OperatingSystem.IsMacOS())
            return;
        Assert.True(ReusableFile.TryMove(Old, New));
        Assert.False(File.Exists(Old));
        Assert.Equal("what it was", File.ReadAllText(New));
    }

    // Of this process, which locks it, and of another one, which does not.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_that_somebody_reads_is_not_written_over(bool isLocked)
    {
        if (!OperatingSystem.IsLinux())
            return;
        using var reader = new FileStream(Old, FileMode.Open, FileAccess.Read, isLocked ? FileShare.Read : FileShare.ReadWrite | FileShare.Delete);
        Assert.False(ReusableFile.TryMove(Old, New));
        Assert.False(File.Exists(New));
        Assert.Equal("what it was", new StreamReader(reader).ReadToEnd());
    }

    [Fact]
    public void One_that_is_not_there_is_not_moved()
    {
        File.Delete(Old);
        Assert.False(ReusableFile.TryMove(Old, New));
        Assert.False(File.Exists(New));
    }

    [Fact]
    public void One_whose_new_folder_is_not_there_stays()
    {
        Assert.False(ReusableFile.TryMove(Old, _folder.At("nowhere/new")));
        Assert.True(File.Exists(Old));
    }

    public void Dispose() => _folder.Dispose();
}
