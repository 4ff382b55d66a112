using System.Diagnostics;
using RobustTrain.Data.Loading;

namespace RobustTrain.Tests.Data;

/// <summary>The loader's processes, as the system sees them.</summary>
internal static class LoaderProcesses
{
    /// <summary>Kills every worker of a stream; how many there were.</summary>
    public static int KillAll(EpochStream stream) => SignalAll(stream, "KILL");

    /// <summary>Stops every worker of a stream.</summary>
    public static int StopAll(EpochStream stream) => SignalAll(stream, "STOP");

    /// <summary>This process's workers that are still there after a moment of grace, zombies included.</summary>
    public static List<int> Alive()
    {
        List<int> alive = [];
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(2); Thread.Sleep(10))
        {
            alive = Children();
            if (alive.Count == 0)
                break;
        }

        return alive;
    }

    private static int SignalAll(EpochStream stream, string signal)
    {
        int[] processes = [.. stream.Workers.Select(worker => worker.ProcessId).OfType<int>()];
        foreach (int process in processes)
            Process.Start("kill", [$"-{signal}", $"{process}"]).WaitForExit();
        return processes.Length;
    }

    private static List<int> Children()
    {
        List<int> children = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)))
        {
            try
            {
                string stat = File.ReadAllText(Path.Combine(folder, "stat"));
                string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                string command = File.ReadAllText(Path.Combine(folder, "cmdline"));
                if (fields[1] == $"{Environment.ProcessId}" && (command.Contains("loader-worker", StringComparison.Ordinal) || fields[0] == "Z"))
                    children.Add(int.Parse(Path.GetFileName(folder), System.Globalization.CultureInfo.InvariantCulture));
            }
            catch (IOException)
            {
                // It ended while it was looked at.
            }
        }

        return children;
    }
}
