using System.Diagnostics;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Bench.Durability;

/// <summary>
/// How much a checkpoint every ten seconds slows a training. What a checkpoint costs is the time of the steps from its taking until it is
/// on disk, less as many times the mean step since the checkpoint before: side by side in time, so that a machine whose speed drifts does
/// not show as cost.
/// </summary>
/// <param name="name">What is trained, for people.</param>
/// <param name="config">The same.</param>
/// <param name="side">The side of an image.</param>
/// <param name="apart">Seconds between two checkpoints here; several times what one takes to the disk.</param>
/// <param name="count">Checkpoints.</param>
internal sealed class CheckpointCost(string name, TrainingConfig config, int side, double apart, int count)
{
    private const double IntervalSeconds = 10;
    private const double WarmUpSeconds = 10;

    // The kernel goes on for a moment with what was flushed.
    private const double AfterwardsSeconds = 0.5;

    private readonly List<double> _stepEnds = [];
    private readonly List<int> _requests = [];
    private readonly List<CheckpointSaved> _saved = [];
    private readonly TrainingControl _control = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private double _next = WarmUpSeconds;

    /// <summary>Measures, and prints a line.</summary>
    public void Run()
    {
        using var folder = new TemporaryFolder();
        var data = new DataSplits(new NoiseDataset(10_000_000, side), new NoiseDataset(2, side), new NoiseDataset(2, side));
        TrainingPlan plan = TrainingPlan.Create(config, data);
        using (RunFolder run = RunFolder.Open(folder.At("run"), config, ResumeMode.Never, RunVersions.Current()))
            new Trainer(plan, run, new Journal(Take)).Run(_control);

        // The last one is the stop's own; the first compiles what writes.
        double[] costs = [.. Enumerable.Range(1, count - 1).Select(Cost)];
        CheckpointSaved[] saved = [.. _saved.Skip(1).Take(count - 1)];
        (double mean, double error) = Statistics.MeanAndError(costs.Select(seconds => 100 * seconds / IntervalSeconds));
        Console.WriteLine(
            $"{name}: a checkpoint every {IntervalSeconds:0} s slows by {mean:F2} % ± {error:F2} (mean of {costs.Length} and its standard error; "
            + $"median {100 * Statistics.Median(costs) / IntervalSeconds:F2} %); "
            + $"step {1000 * Statistics.Median(_stepEnds.Zip(_stepEnds.Skip(1), (from, to) => to - from)):F1} ms, "
            + $"checkpoints of {saved[0].Bytes / 1e6:F1} MB, each held the loop for {1000 * Statistics.Median(saved.Select(one => one.HeldSeconds)):F1} ms "
            + $"and was on disk after {1000 * Statistics.Median(saved.Select(one => one.DurationSeconds)):F0} ms (target: up to 3 %)");
    }

    private double Cost(int number)
    {
        int request = _requests[number];
        double until = _stepEnds[request] + _saved[number].DurationSeconds + AfterwardsSeconds;
        int last = _stepEnds.FindIndex(end => end >= until);
        double former = _stepEnds[_requests[number - 1]] + _saved[number - 1].DurationSeconds + AfterwardsSeconds;
        int first = _stepEnds.FindIndex(end => end >= former);
        if (first >= request)
            throw new InvalidOperationException($"Checkpoints of {name} take too long for {apart} s between them.");
        double step = (_stepEnds[request] - _stepEnds[first]) / (request - first);
        return _stepEnds[last] - _stepEnds[request] - ((last - request) * step);
    }

    private void Take(RunEvent runEvent)
    {
        if (runEvent is CheckpointSaved saved)
        {
            lock (_saved)
                _saved.Add(saved);
        }

        if (runEvent is not StepFinished)
            return;
        double now = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        _stepEnds.Add(now);
        if (now < _next)
            return;
        _next = now + apart;
        if (_requests.Count == count)
        {
            _control.RequestStop();
            return;
        }

        _requests.Add(_stepEnds.Count - 1);
        _control.RequestCheckpoint();
    }
}
