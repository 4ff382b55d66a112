using System.Diagnostics;
using RobustTrain.Runs;
using RobustTrain.Runs.Configuration;
using RobustTrain.Runs.Events;
using RobustTrain.Training;

namespace RobustTrain.Bench.Durability;

/// <summary>
/// How much a checkpoint every ten seconds slows a training. One training; windows of twenty seconds with checkpoints and without
/// alternate in it, which of the two comes first changes from pair to pair, and each pair gives a ratio.
/// </summary>
/// <param name="name">What is trained, for people.</param>
/// <param name="config">The same.</param>
/// <param name="side">The side of an image.</param>
/// <param name="pairs">Pairs of windows.</param>
internal sealed class CheckpointCost(string name, TrainingConfig config, int side, int pairs)
{
    private const double WindowSeconds = 20;
    private const double IntervalSeconds = 10;
    private const double WarmUpSeconds = 6;

    private readonly List<(bool IsSaving, double Steps, double Seconds)> _windows = [];
    private readonly List<CheckpointSaved> _saved = [];
    private readonly TrainingControl _control = new();
    private long _start;
    private long _steps = -1;
    private int _requested;

    private bool IsSaving => (_windows.Count % 4) is 0 or 3;

    /// <summary>Measures, and prints a line.</summary>
    public void Run()
    {
        using var folder = new TemporaryFolder();
        var data = new DataSplits(new NoiseDataset(10_000_000, side), new NoiseDataset(2, side), new NoiseDataset(2, side));
        TrainingPlan plan = TrainingPlan.Create(config, data);
        using (RunFolder run = RunFolder.Open(folder.At("run"), config, ResumeMode.Never, RunVersions.Current()))
            new Trainer(plan, run, new Journal(Take)).Run(_control);

        double[] slower = [.. Enumerable.Range(0, pairs).Select(pair => Slower(_windows[2 * pair], _windows[(2 * pair) + 1]))];
        // The last one is the stop's own.
        CheckpointSaved[] saved = [.. _saved.SkipLast(1)];
        Console.WriteLine(
            $"{name}: slower by {Statistics.Median(slower):F2} % (pairs {string.Join(", ", slower.Select(percent => $"{percent:F2}"))}); "
            + $"step {1000 * Statistics.Median(_windows.Where(window => !window.IsSaving).Select(window => window.Seconds / window.Steps)):F1} ms, "
            + $"{saved.Length} checkpoints of {saved[0].Bytes / 1e6:F1} MB, each held the loop for {1000 * Statistics.Median(saved.Select(one => one.HeldSeconds)):F1} ms "
            + $"and was on disk after {1000 * Statistics.Median(saved.Select(one => one.DurationSeconds)):F0} ms (target: less than 1 %)");
    }

    private static double Slower((bool IsSaving, double Steps, double Seconds) first, (bool IsSaving, double Steps, double Seconds) second)
    {
        (var with, var without) = first.IsSaving ? (first, second) : (second, first);
        return 100 * ((with.Seconds / with.Steps / (without.Seconds / without.Steps)) - 1);
    }

    private void Take(RunEvent runEvent)
    {
        if (runEvent is CheckpointSaved saved)
            _saved.Add(saved);
        if (runEvent is not StepFinished || _windows.Count == 2 * pairs)
            return;
        if (_start == 0)
            _start = Stopwatch.GetTimestamp();
        double seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        if (_steps < 0)
        {
            if (seconds < WarmUpSeconds)
                return;
            Begin();
            return;
        }

        _steps++;
        // Early enough that what they leave to the disk is done within the window too.
        if (IsSaving && _requested * IntervalSeconds + (WindowSeconds / 8) <= seconds)
        {
            _requested++;
            _control.RequestCheckpoint();
        }

        if (seconds < WindowSeconds)
            return;
        _windows.Add((IsSaving, _steps, seconds));
        if (_windows.Count == 2 * pairs)
            _control.RequestStop();
        Begin();
    }

    private void Begin()
    {
        _start = Stopwatch.GetTimestamp();
        _steps = 0;
        _requested = 0;
    }
}
