using System.Diagnostics;
using System.Text;
using RobustTrain.Runs.Events;

namespace RobustTrain.Bench.Durability;

/// <summary>How long a run that goes on takes from the start of the process to the end of its first step.</summary>
/// <param name="host">The executable.</param>
/// <param name="data">A folder of sample data.</param>
internal sealed class ResumeTime(string host, string data)
{
    private const int Turns = 9;

    /// <summary>Measures, and prints a line.</summary>
    public void Run()
    {
        using var folder = new TemporaryFolder();
        Turn(folder.At("run"));
        (double Begun, double Step)[] turns = [.. Enumerable.Range(0, Turns).Select(_ => Turn(folder.At("run")))];
        Console.WriteLine(
            $"resume: first step done {Statistics.Median(turns.Select(turn => turn.Step)):F2} s after the start of the process "
            + $"({turns.Min(turn => turn.Step):F2} to {turns.Max(turn => turn.Step):F2}; {Turns} turns), "
            + $"checkpoint verified and loaded after {Statistics.Median(turns.Select(turn => turn.Begun)):F2} s (target: 2 s)");
    }

    private (double Begun, double Step) Turn(string run)
    {
        ProcessStartInfo start = new(host, ["train", "samples/demo.yaml", "--run-path", run, "--set", $"data.path={data}", "--set", "trainer.log_interval_seconds=0", "--events", "--life-line"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        long began = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        double begun = 0;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            RunEvent? runEvent = EventLine.Read(Encoding.UTF8.GetBytes(line));
            if (runEvent is RunStarted)
                begun = Stopwatch.GetElapsedTime(began).TotalSeconds;
            if (runEvent is StepFinished)
                break;
        }

        double step = Stopwatch.GetElapsedTime(began).TotalSeconds;
        process.StandardInput.WriteLine("stop");
        process.StandardInput.Flush();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 75 ? (begun, step) : throw new InvalidOperationException($"The training ended with exit code {process.ExitCode}.");
    }
}
