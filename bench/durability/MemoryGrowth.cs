using System.Globalization;
using RobustTrain.Runs;
using RobustTrain.Runs.Configuration;
using RobustTrain.Runs.Events;
using RobustTrain.Training;

namespace RobustTrain.Bench.Durability;

/// <summary>The memory of a whole run: decoding, steps, checkpoints, validation, over 2,000 steps.</summary>
/// <param name="config">The run, of epochs that are short.</param>
/// <param name="every">Epochs between two samples.</param>
internal sealed class MemoryGrowth(TrainingConfig config, int every)
{
    private readonly List<(long Steps, double Resident, double Managed)> _samples = [];
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

        Console.WriteLine($"{"steps",8}{"resident",14}{"managed",14}{"native",14}");
        foreach ((long steps, double resident, double managed) in _samples)
            Console.WriteLine($"{steps,8}{resident,10:F1} MiB{managed,10:F2} MiB{resident - managed,10:F1} MiB");
        (long Steps, double Resident, double Managed)[] half = [.. _samples.Skip(_samples.Count / 2)];
        Console.WriteLine(
            $"memory: over the last {half[^1].Steps - half[0].Steps} of {_steps} steps resident {half[^1].Resident - half[0].Resident:+0.0;-0.0} MiB, "
            + $"managed {half[^1].Managed - half[0].Managed:+0.00;-0.00} MiB (target: flat)");
    }

    private void Take(RunEvent runEvent)
    {
        if (runEvent is StepFinished)
            _steps++;
        if (runEvent is not EpochFinished epoch || epoch.Epoch % every != 0)
            return;
        double managed = GC.GetTotalMemory(forceFullCollection: true) / 1048576.0;
        string resident = File.ReadLines("/proc/self/status").First(line => line.StartsWith("RssAnon", StringComparison.Ordinal));
        _samples.Add((_steps, long.Parse(resident.Split(' ', '\t')[^2], CultureInfo.InvariantCulture) / 1024.0, managed));
    }
}
