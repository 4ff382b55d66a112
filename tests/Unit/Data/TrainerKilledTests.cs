using System.Diagnostics;
using System.Text.Json;

namespace RobustTrain.Tests.Data;

/// <summary>What is left of a loader whose own process is killed.</summary>
[Collection(LoaderCollection.Name)]
public sealed class TrainerKilledTests
{
    [LinuxTheory("It counts what is left in /proc.")]
    [InlineData("")]
    [InlineData("loop:0.001!")]
    [InlineData("stop:0.001!")]
    public void Killing_the_trainer_leaves_no_worker_and_no_shared_memory(string faults)
    {
        List<string> shared = LoaderProcesses.SharedMemory();
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "robusttrain"))
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        string[] arguments = ["loader", "--integers", "100000000", "--workers", "3", "--kind", "process", "--events", "--set", "loader.timeout_seconds=600"];
        foreach (string argument in faults.Length > 0 ? [.. arguments, "--fault", faults] : arguments)
            start.ArgumentList.Add(argument);
        using Process trainer = Process.Start(start)!;
        List<int> workers = [];
        while (workers.Count < 3)
        {
            string line = trainer.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The loader ended before its workers were there.");
            using JsonDocument happened = JsonDocument.Parse(line);
            if (happened.RootElement.GetProperty("event").GetString() == "loader" && happened.RootElement.GetProperty("kind").GetString() == "worker_ready")
                workers.Add(happened.RootElement.GetProperty("process_id").GetInt32());
        }

        trainer.Kill();
        trainer.WaitForExit();
        long killed = Stopwatch.GetTimestamp();
        while (workers.Exists(IsAlive) && Stopwatch.GetElapsedTime(killed) < TimeSpan.FromSeconds(60))
            Thread.Sleep(10);
        Assert.DoesNotContain(workers, IsAlive);
        Assert.Empty(LoaderProcesses.SharedMemory().Except(shared));
    }

    private static bool IsAlive(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            // A zombie is dead: it waits for whoever is process 1 here to take notice.
            return stat[stat.LastIndexOf(')') + 2] != 'Z' && File.ReadAllText($"/proc/{process}/cmdline").Contains("loader-worker", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
