using System.Diagnostics;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Platform;

/// <summary>What stands in on Windows for what Linux has.</summary>
public sealed class WindowsTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [WindowsFact]
    public void A_guarded_child_ends_with_its_guard_although_it_reads_nothing()
    {
        using ChildGuard guard = new();
        using ChildProcess child = ChildProcess.Start(Sleeper(), guard);
        Assert.Null(child.ExitCode);
        guard.Dispose();
        Assert.NotNull(child.WaitForExit(s_patience));
    }

    [WindowsFact]
    public void A_killed_process_is_told_from_one_that_failed()
    {
        using ChildProcess child = ChildProcess.Start(Sleeper());
        child.Kill();
        int code = child.WaitForExit(s_patience)!.Value;
        Assert.Equal("killed by another process", ExitStatus.Describe(code));
        Assert.True(ExitStatus.IsKill(code));
        Assert.Equal("ended by status 0xC0000005 (access violation)", ExitStatus.Describe(unchecked((int)0xC0000005)));
        Assert.Null(ExitStatus.Describe(3));
    }

    [WindowsFact]
    public void A_detached_program_gets_its_words_as_they_are_and_writes_into_the_file()
    {
        using TemporaryFolder folder = new();
        string output = folder.At("out put.log");
        if (OperatingSystem.IsWindows())
        {
            string[] words = ["config", "check", "--set", "data.path=C:\\no where\\", "--set", "name=a \"b\"", "--events"];
            using Process process = SessionLeader.StartDetached(Path.Combine(AppContext.BaseDirectory, "robusttrain.exe"), words, output, start => start.WorkingDirectory = folder.Path);
            Assert.True(process.WaitForExit(s_patience));
            Assert.Equal(2, process.ExitCode);
        }

        Assert.Contains("C:\\\\no where", File.ReadAllText(output), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"a b\"", "a b")]
    [InlineData("\"a\\b\"", "a\\b")]
    [InlineData("\"a b\\\\\"", "a b\\")]
    [InlineData("\"a\\\"b\"", "a\"b")]
    [InlineData("\"\" \"c\"", "", "c")]
    public void Words_are_quoted_as_Windows_takes_them_apart(string expected, params string[] words) => Assert.Equal(expected, WindowsCommandLine.Quote(words));

    [WindowsFact]
    public async Task A_file_that_another_process_reads_is_replaced_when_it_is_let_go()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("run.json");
        DurableFile.Write(path, "old");
        FileStream reader = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        Task write = Task.Run(() => DurableFile.Write(path, "new"));
        Assert.NotSame(write, await Task.WhenAny(write, Task.Delay(300)));
        reader.Dispose();
        await write.WaitAsync(s_patience);
        Assert.Equal("new", DurableFile.ReadText(path));
    }

    [WindowsFact]
    public void A_process_that_stands_still_is_told_from_one_that_waits()
    {
        if (!OperatingSystem.IsWindows())
            return;
        using ChildGuard guard = new();
        using ChildProcess child = ChildProcess.Start(Sleeper(), guard);
        Assert.False(WindowsProcesses.IsSuspended(child.Id));
        using Process process = Process.GetProcessById(child.Id);
        Assert.Equal(0, NativeSystem.Suspend(process.SafeHandle.DangerousGetHandle()));
        Assert.True(WindowsProcesses.IsSuspended(child.Id));
        Assert.Contains("ping", WindowsProcesses.CommandOf(child.Id)!, StringComparison.OrdinalIgnoreCase);
        Assert.Null(WindowsProcesses.CommandOf(3));
    }

    private static ProcessStartInfo Sleeper() => new("ping.exe", ["-n", "600", "127.0.0.1"]);
}
