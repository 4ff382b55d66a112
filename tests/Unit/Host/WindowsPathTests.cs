using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

/// <summary>Paths that Windows does not take, or takes for others, and those that it takes although they look odd.</summary>
public sealed class WindowsPathTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public WindowsPathTests() => TinyPairs.Write(_folder.At("data"));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("runs/CON", "Windows keeps the name 'CON' for a device")]
    [InlineData(@"C:\runs\nul", "Windows keeps the name 'nul' for a device")]
    [InlineData(@"runs\Aux.yaml", "Windows keeps the name 'Aux' for a device")]
    [InlineData("com\u00B9/night", "Windows keeps the name 'com\u00B9' for a device")]
    [InlineData(@"runs\LPT0 .txt", "Windows keeps the name 'LPT0' for a device")]
    [InlineData(@"\\.\NUL", "'NUL' is a device")]
    [InlineData("runs/night.", "Windows takes away the dot at the end of 'night.', which leaves 'night'")]
    [InlineData(@"C:\runs \night", "Windows takes away the space at the end of 'runs ', which leaves 'runs'")]
    [InlineData("runs/...", "Windows takes away the dot at the end of '...'")]
    [InlineData("runs/22:00", "'22:00' has the character :, which Windows allows in no name")]
    [InlineData("runs/best?", "'best?' has the character ?, which Windows allows in no name")]
    [InlineData("runs/a\tb", "it has the control character U+0009, which Windows allows in no name")]
    public void A_name_that_Windows_does_not_allow_is_told(string path, string fault) => Assert.Equal(fault, WindowsNames.FaultOf(path));

    [Theory]
    [InlineData(".")]
    [InlineData(@"..\..\runs")]
    [InlineData(@"C:\runs\Jürgen 日\CONSOLE")]
    [InlineData("C:night")]
    [InlineData(@"\\server\share$\runs")]
    [InlineData(@"\\?\C:\runs\CON.")]
    [InlineData("runs/.hidden/com10.a b.c")]
    public void A_name_that_Windows_allows_passes(string path) => Assert.Null(WindowsNames.FaultOf(path));

    [LinuxFact("Windows forbids them.")]
    public void Elsewhere_every_name_passes() => Assert.Equal("/runs/CON.", WritablePath.Full("/runs/CON."));

    [WindowsFact]
    public async Task Each_command_refuses_a_path_that_it_could_not_write_and_changes_nothing()
    {
        await IsRefused("PathNotAllowed", @"The path 'runs\CON' can't be used: Windows keeps the name 'CON' for a device.", Train(@"runs\CON"));
        await IsRefused("PathNotAllowed", "The path 'CON' can't be used: Windows keeps the name 'CON' for a device.", Train("CON"));
        await IsRefused("PathNotAllowed", "The path 'night.' can't be used: Windows takes away the dot at the end of 'night.', which leaves 'night'.", ["config", "check", .. Train("night.")[1..]]);
        await IsRefused("PathNotAllowed", "The path 'run ' can't be used: Windows takes away the space at the end of 'run ', which leaves 'run'.", ["train", "--run-path", "run ", "--resume", "require"]);
        await IsRefused("PathNotAllowed", "The path 'a?.yaml' can't be used: 'a?.yaml' has the character ?, which Windows allows in no name.", ["config", "new", "a?.yaml"]);
        await IsRefused("PathNotAllowed", "The path 'aux' can't be used: Windows keeps the name 'aux' for a device.", ["sample-data", "aux"]);
    }

    [WindowsFact]
    public async Task A_drive_or_a_share_that_is_not_there_is_named_and_nothing_is_changed()
    {
        string drive = Enumerable.Range('A', 26).Select(letter => $@"{(char)letter}:\").First(root => !Directory.Exists(root));
        string sentence = $@"The path '{drive}runs\night' can't be used: there is no drive '{drive}'; the drives are {string.Join(", ", Directory.GetLogicalDrives())}.";
        await IsRefused("DriveNotFound", sentence, Train($@"{drive}runs\night"));
        await IsRefused("DriveNotFound", @"The path '\\nowhere\share\night' can't be used: the share '\\nowhere\share' is not there, or can't be reached.", Train(@"\\nowhere\share\night"));
        await IsRefused("DatasetNotUsable", $@"{drive}data", [.. Train("run"), "--set", $"data.path={drive}data"]);
    }

    [WindowsFact]
    public async Task A_run_and_its_data_may_lie_deeper_than_260_letters()
    {
        string deep = _folder.At([.. Enumerable.Repeat(new string('d', 100), 3)]);
        TinyPairs.Write(Path.Combine(deep, "data"));
        string run = Path.Combine(deep, "runs", "night");

        HostRun trained = await HostRun.To(_folder.Path, [.. Train(run), "--set", $"data.path={Path.Combine(deep, "data")}", "--set", "loader.worker_kind=process", "--set", "trainer.epochs=2"]);
        HostRun scored = await HostRun.To(_folder.Path, "evaluate", run);

        Assert.Equal((0, ""), (trained.ExitCode, trained.Error));
        Assert.Equal((0, ""), (scored.ExitCode, scored.Error));
        Assert.Equal(RunState.Finished, RunFolder.ReadRecord(run).State);
    }

    [WindowsFact]
    public async Task A_run_in_OneDrive_s_folder_is_trained_with_a_warning()
    {
        Dictionary<string, string?> variables = new() { ["OneDrive"] = _folder.Path };
        HostRun run = await HostRun.EndOf(HostRun.Start(_folder.Path, variables, [.. Train("run"), "--events"]));

        Assert.Equal(0, run.ExitCode);
        string warning = Assert.Single(run.Output.Split('\n').Where(line => line.Length > 0).Select(line => EventLine.Read(System.Text.Encoding.UTF8.GetBytes(line))).OfType<RunWarning>()).Message;
        Assert.StartsWith($"The run's folder '{_folder.At("run")}' lies in OneDrive ('{_folder.Path}'), ", warning, StringComparison.Ordinal);
    }

    private string[] Train(string run) =>
    [
        "train", "--run-path", run,
        "--set", $"data.path={_folder.At("data")}", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
        "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", "trainer.epochs=1", "--set", "threads=1",
    ];

    private async Task IsRefused(string errorId, string sentence, string[] arguments)
    {
        string[] before = Entries();
        HostRun run = await HostRun.EndOf(HostRun.Start(_folder.Path, [.. arguments, "--events"]));

        Assert.Equal((int)ExitCode.Configuration, run.ExitCode);
        Assert.Contains(sentence, Assert.Single(run.Sentences), StringComparison.Ordinal);
        Assert.Contains($"\"{errorId}\"", run.Output, StringComparison.Ordinal);
        Assert.Equal(before, Entries());
    }

    // Every file and folder.
    private string[] Entries() => [.. Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order()];
}
