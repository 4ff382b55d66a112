using System.Diagnostics;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Chaos;

/// <summary>What killed processes have left behind.</summary>
/// <param name="Processes">Living processes that were started for the run.</param>
/// <param name="Files">Half-written and temporary files and folders of the run, in the system's temporary folder and in /dev/shm.</param>
/// <param name="DamagedCheckpoints">Checkpoints that don't have the bytes that they promise.</param>
public sealed record Leftovers(IReadOnlyList<string> Processes, IReadOnlyList<string> Files, IReadOnlyList<string> DamagedCheckpoints)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>Looks for them.</summary>
    /// <param name="folder">The folder in which all of it worked.</param>
    /// <param name="mark">Stands in the environment of every process of it.</param>
    /// <param name="run">The run.</param>
    /// <param name="temporary">The processes' temporary folder.</param>
    public static Leftovers Find(string folder, string mark, string run, string temporary)
    {
        // A worker sees its trainer's end and ends; that takes a moment.
        long start = Stopwatch.GetTimestamp();
        while (Chaos.Processes.Marked(mark).Count > 0 && Stopwatch.GetElapsedTime(start) < s_patience)
            Thread.Sleep(20);

        string[] checkpoints = [.. Directory.EnumerateDirectories(RunFolder.CheckpointsPathOf(run)).Where(path => !Path.GetFileName(path).StartsWith('.'))];
        HashSet<string> whole = [.. RunFiles.CheckpointsOf(run).Where(checkpoint => checkpoint.IsWhole).Select(checkpoint => checkpoint.Path)];
        return new Leftovers(
            [.. Chaos.Processes.Marked(mark).Select(id => $"process {id}")],
            [.. Directory.EnumerateFileSystemEntries(run, "*", SearchOption.AllDirectories).Where(IsHalfWritten), .. Directory.EnumerateFileSystemEntries(temporary), .. SharedMemory(folder)],
            [.. checkpoints.Where(path => !whole.Contains(path))]);
    }

    private static bool IsHalfWritten(string path) =>
        Path.GetFileName(path).StartsWith(".writing-", StringComparison.Ordinal)
        || Path.GetFileName(path).StartsWith(".replaced-", StringComparison.Ordinal)
        || path.EndsWith(DurableFile.TemporarySuffix, StringComparison.Ordinal);

    // Others use /dev/shm too: what is ours has been touched since the folder was made, and carries our name or torch's.
    private static IEnumerable<string> SharedMemory(string folder) => OperatingSystem.IsWindows() ? [] : Directory.EnumerateFileSystemEntries("/dev/shm")
        .Where(path => File.GetLastWriteTimeUtc(path) >= Directory.GetCreationTimeUtc(folder))
        .Where(path => Path.GetFileName(path).Contains("robusttrain", StringComparison.OrdinalIgnoreCase) || Path.GetFileName(path).StartsWith("torch_", StringComparison.Ordinal));
}
