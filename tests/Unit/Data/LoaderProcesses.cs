using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.Versioning;
using RobustTrain.Data.Loading;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Data;

/// <summary>The loader's processes, as the system sees them.</summary>
internal static class LoaderProcesses
{
    /// <summary>Kills every worker of a stream; how many there were.</summary>
    public static int KillAll(EpochStream stream) => SignalAll(stream, "KILL");

    /// <summary>Stops every worker of a stream.</summary>
    public static int StopAll(EpochStream stream) => SignalAll(stream, "STOP");

    /// <summary>This process's workers that do not end, zombies included; a loaded machine takes its time to end one.</summary>
    public static List<int> Alive()
    {
        List<int> alive = [];
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60); Thread.Sleep(10))
        {
            alive = Children();
            if (alive.Count == 0)
                break;
        }

        return alive;
    }

    /// <summary>On Linux the names in /dev/shm but for those of PyTorch and of semaphores, which other programs make and remove at any time.</summary>
    public static List<string> SharedMemory() => OperatingSystem.IsWindows() ? [] : [.. Directory.EnumerateFileSystemEntries("/dev/shm")
        .Where(path => Path.GetFileName(path) is var name && !name.StartsWith("torch_", StringComparison.Ordinal) && !name.StartsWith("sem.", StringComparison.Ordinal))];

    private static int SignalAll(EpochStream stream, string signal)
    {
        int[] processes = [.. stream.Workers.Select(worker => worker.ProcessId).OfType<int>()];
        foreach (int process in processes)
        {
            if (OperatingSystem.IsWindows())
                SignalOnWindows(process, signal);
            else
                Process.Start("kill", [$"-{signal}", $"{process}"]).WaitForExit();
        }

        return processes.Length;
    }

    [SupportedOSPlatform("windows")]
    private static void SignalOnWindows(int process, string signal)
    {
        try
        {
            using Process worker = Process.GetProcessById(process);
            if (signal == "KILL")
                worker.Kill();
            else
                _ = NativeSystem.Suspend(worker.SafeHandle.DangerousGetHandle());
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // It has ended meanwhile, as kill(1) would say.
        }
    }

    private static List<int> Children()
    {
        if (OperatingSystem.IsWindows())
        {
            // Wine has a console's own process in the job of the process whose console it is, and at times forgets to end it.
#pragma warning disable CA1416 // The analyzer doesn't see the condition around a lambda.
            return [.. ChildJob.OfThisProcess.Value.ProcessIds().Where(process => WindowsProcesses.CommandOf(process)?.Contains("conhost", StringComparison.OrdinalIgnoreCase) != true)];
#pragma warning restore CA1416
        }

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
