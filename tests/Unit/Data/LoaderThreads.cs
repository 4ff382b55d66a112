using System.Diagnostics;

namespace RobustTrain.Tests.Data;

/// <summary>The loader's threads in this process at a moment, by the names that the kernel has for them.</summary>
internal sealed class LoaderThreads
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HashSet<string> _threads = Present();

    /// <summary>Those of now: a stuck thread of an earlier test may be among them for as long as its fault lasts.</summary>
    public static LoaderThreads Now() => new();

    /// <summary>Those begun since that are still there after a minute of grace; for tests beside which no other runs.</summary>
    public List<string> NewOnes()
    {
        List<string> threads = [];
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Patience; Thread.Sleep(10))
        {
            threads = [.. Present().Except(_threads)];
            if (threads.Count == 0)
                break;
        }

        return threads;
    }

    private static HashSet<string> Present() =>
        [.. Directory.EnumerateDirectories("/proc/self/task").Select(Describe).Where(thread => thread.StartsWith("loader", StringComparison.Ordinal))];

    /// <summary>Name, number and start: the kernel gives a number again once its thread has ended.</summary>
    private static string Describe(string task)
    {
        try
        {
            string status = File.ReadAllText(Path.Combine(task, "stat"));
            int end = status.LastIndexOf(')');
            return $"{status[(status.IndexOf('(', StringComparison.Ordinal) + 1)..end]}, thread {Path.GetFileName(task)} since tick {status[(end + 2)..].Split(' ')[19]}";
        }
        catch (IOException)
        {
            // It ended while it was looked at.
            return "";
        }
    }
}
