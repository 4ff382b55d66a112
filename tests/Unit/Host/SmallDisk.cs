using System.Diagnostics;
using System.Globalization;

namespace RobustTrain.Tests.Host;

/// <summary>A real file system of its own size in a mount namespace of its own, which goes with it. Its mount options change while it is in use.</summary>
public sealed class SmallDisk : IDisposable
{
    private const int PageKilobytes = 4;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly string _mountPoint;
    private readonly Process _holder;

    /// <summary>Makes one.</summary>
    /// <param name="mountPoint">An existing folder, whose content it hides within the namespace.</param>
    public SmallDisk(string mountPoint)
    {
        _mountPoint = mountPoint;
        _holder = FullDiskFactAttribute.Start("/", $"mount -t tmpfs -o size=64m tmpfs '{mountPoint}' && echo mounted && cat");
        if (_holder.StandardOutput.ReadLine() != "mounted")
            throw new InvalidOperationException($"Not mounted: {_holder.StandardError.ReadToEnd()}");
    }

    /// <summary>The disk's content, as it is seen from outside the namespace.</summary>
    public string Path => $"/proc/{_holder.Id}/root{_mountPoint}";

    /// <summary>Starts a program in it.</summary>
    /// <param name="workingFolder">Its folder.</param>
    /// <param name="command">The program and its arguments.</param>
    public Process Start(string workingFolder, params string[] command) => Process.Start(new ProcessStartInfo(
        "nsenter", [$"--target={_holder.Id}", "--user", "--mount", "--preserve-credentials", "sh", "-c", "cd \"$0\" && exec \"$@\"", workingFolder, .. command])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    /// <summary>Leaves so much space beside what is used.</summary>
    public Task LeavePages(int pages) => Remount(() => Figures("%b %f %S") is [long blocks, long free, long size]
        ? $"size={((blocks - free) * size / 1024) + (pages * PageKilobytes)}k"
        : throw new InvalidOperationException("stat"));

    /// <summary>Leaves room for so many more files and folders.</summary>
    public Task LeaveFiles(int files) => Remount(() => Figures("%c %d") is [long all, long free]
        ? string.Create(CultureInfo.InvariantCulture, $"nr_inodes={all - free + files}")
        : throw new InvalidOperationException("stat"));

    /// <summary>Gives all the room back.</summary>
    public Task Free() => Remount(() => "size=64m,nr_inodes=100000");

    /// <summary>Makes a folder of it read-only, or writable again; the kernel allows that only while no file in it is open for writing.</summary>
    public async Task SetReadOnly(string folder, bool isReadOnly)
    {
        string options = $"remount,bind,{(isReadOnly ? "ro" : "rw")}";
        string inside = System.IO.Path.Combine(_mountPoint, folder);
        if (Run("mountpoint", "-q", inside).Code != 0)
            Assert.Equal((0, ""), Run("mount", "--bind", inside, inside));
        await Mount(inside, () => options);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _holder.StandardInput.Close();
        _holder.WaitForExit();
        _holder.Dispose();
    }

    private Task Remount(Func<string> options) => Mount(_mountPoint, () => $"remount,{options()}");

    // The kernel refuses while a file is open for writing, or where more is used by now than the options leave.
    private async Task Mount(string where, Func<string> options)
    {
        (int Code, string Error) end = Run("mount", "-o", options(), where);
        for (long start = Stopwatch.GetTimestamp(); end.Code != 0; end = Run("mount", "-o", options(), where))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, end.Error);
            await Task.Delay(1);
        }
    }

    private long[] Figures(string format)
    {
        using Process stat = Start("/", "stat", "--file-system", "--format", format, _mountPoint);
        string figures = stat.StandardOutput.ReadToEnd();
        stat.WaitForExit();
        return [.. figures.Split(' ').Select(figure => long.Parse(figure, CultureInfo.InvariantCulture))];
    }

    private (int Code, string Error) Run(params string[] command)
    {
        using Process process = Start("/", command);
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }
}
