using System.Globalization;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;

namespace RobustTrain.Bench.Durability;

/// <summary>The memory of a whole run: decoding, steps, checkpoints, validation, over 2,000 steps.</summary>
/// <param name="config">The run, of epochs that are short.</param>
/// <param name="every">Epochs between two samples.</param>
internal sealed class MemoryGrowth(TrainingConfig config, int every)
{
    private readonly List<Sample> _samples = [];
    private long _steps;

    /// <summary>Measures, and prints a table.</summary>
    public void Run()
    {
        using var folder = new TemporaryFolder();
        TrainingPlan plan = TrainingPlan.Create(config);
        using (RunFolder run = RunFolder.Open(folder.At("run"), config, ResumeMode.Never, RunVersions.Current()))
        using (RunJournal file = new(run))
        using (TrainingControl control = new())
        {
            new Trainer(plan, run, new Journal(runEvent =>
            {
                file.Write(runEvent);
                Take(runEvent);
            })).Run(control);
        }

        string kind = config.Loader.WorkerKind.ToString().ToLowerInvariant();
        Console.WriteLine($"{kind,-8}{"steps",8}{"resident",14}{"managed",14}{"native",14}{"workers",14}{"threads",9}{"handles",9}");
        foreach (Sample sample in _samples)
        {
            Console.WriteLine(
                $"{kind,-8}{sample.Steps,8}{sample.Resident,10:F1} MiB{sample.Managed,10:F2} MiB{sample.Native,10:F1} MiB{sample.Workers,10:F1} MiB{sample.Threads,9}{sample.Handles,9}");
        }

        Sample middle = _samples[_samples.Count / 2];
        Sample last = _samples[^1];
        Console.WriteLine(
            $"memory with {kind} workers: over the last {last.Steps - middle.Steps} of {_steps} steps managed {last.Managed - middle.Managed:+0.00;-0.00} MiB, native {last.Native - middle.Native:+0.0;-0.0} MiB, "
            + $"workers {last.Workers - middle.Workers:+0.0;-0.0} MiB, threads {last.Threads - middle.Threads:+0;-0;0}, handles {last.Handles - middle.Handles:+0;-0;0} (target: flat)");
    }

    private static double AnonymousMiB(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("RssAnon", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', '\t')[^2], CultureInfo.InvariantCulture) / 1024.0;
    }

    private static int[] Children() =>
        [.. Directory.GetDirectories("/proc/self/task").SelectMany(task => File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(int.Parse)];

    private void Take(RunEvent runEvent)
    {
        if (runEvent is StepFinished)
            _steps++;
        if (runEvent is not EpochFinished epoch || epoch.Epoch % every != 0)
            return;
        double managed = GC.GetTotalMemory(forceFullCollection: true) / 1048576.0;
        _samples.Add(new Sample(
            _steps, AnonymousMiB(Environment.ProcessId), managed, Children().Sum(AnonymousMiB),
            Directory.GetDirectories("/proc/self/task").Length, Directory.GetFiles("/proc/self/fd").Length));
    }

    private sealed record Sample(long Steps, double Resident, double Managed, double Workers, int Threads, int Handles)
    {
        public double Native => Resident - Managed;
    }
}
