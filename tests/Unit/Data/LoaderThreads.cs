using System.Diagnostics;

namespace RobustTrain.Tests.Data;

/// <summary>The loader's threads in this process, by the names that the kernel has for them.</summary>
internal static class LoaderThreads
{
    /// <summary>Those that are still there after a moment of grace.</summary>
    public static List<string> Alive()
    {
        List<string> names = [];
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10); Thread.Sleep(10))
        {
            names = [.. Directory.EnumerateDirectories("/proc/self/task").Select(Name).Where(name => name.StartsWith("loader", StringComparison.Ordinal))];
            if (names.Count == 0)
                break;
        }

        return names;
    }

    private static string Name(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).Trim();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
