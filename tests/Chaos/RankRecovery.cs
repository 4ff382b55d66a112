using System.Diagnostics;
using System.Globalization;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Chaos;

/// <summary>Kills a rank of a run on this machine again and again, and tells how long it takes until the run has done a step again, by parts.</summary>
/// <param name="options">What to train, on how many ranks, and how many kills.</param>
/// <param name="output">Takes a line for each kill, and the medians.</param>
internal sealed class RankRecovery(ChaosOptions options, TextWriter output)
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(10);
    private static readonly string[] s_parts = ["ranks gone", "next process", "run opened", "first step", "altogether"];

    private readonly ChaosTrainings _trainings = new(options);
    private volatile RunStarted? _attempt;
    private volatile StepFinished? _firstStep;
    private volatile bool _hasCheckpoint;

    /// <summary>Runs all of it.</summary>
    public void Run()
    {
        _trainings.WriteData();
        string number = Number(options.Ranks!.Value);
        using TrainerProcess trainer = _trainings.Start(_trainings.FaultyPath, ["--ranks", number, "--restart"], variables: null, Take);
        Write("killed", s_parts);
        List<double[]> all = [];
        for (int kill = 0; kill < options.Faults; kill++)
        {
            // A run that is lost again and again before it has a new checkpoint is given up.
            WaitFor(trainer, () => _firstStep is not null && _hasCheckpoint);
            int rank = kill % options.Ranks.Value;
            double[] parts = Kill(trainer, rank);
            Write(string.Create(CultureInfo.InvariantCulture, $"rank {rank}"), [.. parts.Select(Seconds)]);
            all.Add(parts);
        }

        Write("median", [.. Enumerable.Range(0, s_parts.Length).Select(part => Seconds(all.Select(parts => parts[part]).Order().ElementAt(all.Count / 2)))]);
        trainer.Signal(Signals.Terminate);
        if (!trainer.WaitForEnd(options.Limit) || trainer.ExitCode is not (0 or (int)ExitCode.Stopped))
            throw new InvalidOperationException($"The training did not end in order: {(trainer.HasEnded ? trainer.LastWords : "it took too long.")}");
    }

    private double[] Kill(TrainerProcess trainer, int rank)
    {
        IReadOnlyList<int> former = Ranks();
        RunStarted before = _attempt!;
        DateTimeOffset struck = DateTimeOffset.UtcNow;
        Signals.Send(former.First(process => Processes.RankOf(process) == rank), Signals.Kill);
        WaitFor(trainer, () => !former.Any(Processes.IsAlive));
        double gone = (DateTimeOffset.UtcNow - struck).TotalSeconds;
        WaitFor(trainer, () => Ranks().Count > 0);
        double next = (DateTimeOffset.UtcNow - struck).TotalSeconds;
        WaitFor(trainer, () => _attempt != before && _firstStep is not null);
        double opened = (_attempt!.Time - struck).TotalSeconds, stepped = (_firstStep!.Time - struck).TotalSeconds;
        return [gone, next - gone, opened - next, stepped - opened, stepped];
    }

    private IReadOnlyList<int> Ranks() => Processes.RanksOf(_trainings.FaultyPath);

    private void WaitFor(TrainerProcess trainer, Func<bool> condition)
    {
        for (long began = Stopwatch.GetTimestamp(); !condition(); Thread.Sleep(s_look))
        {
            if (trainer.HasEnded)
                throw new InvalidOperationException($"The training ended before all kills were done (more --epochs make it longer): {trainer.LastWords}");
            if (Stopwatch.GetElapsedTime(began) > options.Limit)
                throw new TimeoutException($"The training did not go on within {options.Limit}.");
        }
    }

    private void Take(RunEvent happened)
    {
        switch (happened)
        {
            case RunStarted started:
                (_firstStep, _hasCheckpoint, _attempt) = (null, false, started);
                break;
            case StepFinished step:
                _firstStep ??= step;
                break;
            case CheckpointSaved:
                _hasCheckpoint = true;
                break;
        }
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(double seconds) => seconds.ToString("0.00 's'", CultureInfo.InvariantCulture);

    private void Write(string killed, string[] parts) => output.WriteLine($"{killed,-10}{string.Concat(parts.Select(part => $"{part,14}"))}");
}
