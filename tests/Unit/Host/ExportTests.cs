using System.Text;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

public sealed class ExportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Run => Path.Combine(AppContext.BaseDirectory, "Training", "fixtures", "run-of-libtorch-1.13");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_file_s_extension_says_the_format()
    {
        HostRun onnx = await HostRun.To(_folder.Path, "export", Run, "--checkpoint", "latest", "-o", "a.onnx", "--events");
        HostRun weights = await HostRun.To(_folder.Path, "export", Run, "--checkpoint", "latest", "-o", "a.safetensors");

        Assert.Equal((0, ""), (onnx.ExitCode, onnx.Error));
        ModelExported exported = Assert.IsType<ModelExported>(EventLine.Read(Encoding.UTF8.GetBytes(onnx.Output.Trim())));
        Assert.Equal((_folder.At("a.onnx"), "onnx", "fc-siam-diff"), (exported.Path, exported.Format, exported.Model));
        Assert.Equal((0, ""), (weights.ExitCode, weights.Error));
        Assert.StartsWith($"{_folder.At("a.safetensors")}: fc-siam-diff with ", weights.Output, StringComparison.Ordinal);
        Assert.Equal(["a.onnx", "a.safetensors"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("a.pt", "The file 'a.pt' has the extension '.pt', which names no format; expected .safetensors or .onnx, or --format.")]
    [InlineData("no/run", "There is no folder")]
    public async Task What_can_t_be_exported_is_refused_in_one_sentence(string word, string said)
    {
        bool isRun = word.StartsWith("no/", StringComparison.Ordinal);
        HostRun run = await HostRun.To(_folder.Path, "export", isRun ? word : Run, "--checkpoint", "latest", "-o", isRun ? "a.onnx" : word);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith(said, Assert.Single(run.Sentences), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Theory]
    [InlineData("safetensors", "a.onnx")]
    [InlineData("onnx", "a.safetensors")]
    public async Task A_file_named_as_the_other_format_is_refused(string format, string file)
    {
        HostRun run = await HostRun.To(_folder.Path, "export", Run, "--checkpoint", "latest", "--format", format, "-o", file);

        Assert.Equal((2, $"--format is {format}, but the file '{file}' has the extension of the other format; name it .{format}, or leave --format out."), (run.ExitCode, Assert.Single(run.Sentences)));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [FullDiskFact]
    public async Task A_full_disk_is_named_and_nothing_is_left()
    {
        Directory.CreateDirectory(_folder.At("out"));
        using SmallDisk disk = new(_folder.At("out"));
        await disk.LeavePages(8);

        HostRun run = await HostRun.EndOf(disk.Start(_folder.Path, HostRun.Executable, "export", Run, "--checkpoint", "latest", "-o", "out/a.onnx"));

        Assert.Equal((1, $"The file '{_folder.At("out/a.onnx")}' could not be written: there is no space left on the disk."), (run.ExitCode, Assert.Single(run.Sentences)));
        Assert.Empty(Directory.GetFileSystemEntries(disk.Path));
    }
}
