using System.Globalization;
using RobustTrain.Runs;

namespace RobustTrain.Chaos;

/// <summary>Trains on one rank, on more, and on one number of ranks and then another, and compares what is left.</summary>
/// <param name="options">What to train.</param>
/// <param name="output">Takes a line for each training.</param>
internal sealed class RankBits(ChaosOptions options, TextWriter output)
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(5);

    // On so many ranks; and, where there is a second number, on that from half of the steps on.
    private static readonly (int First, int? Then)[] s_trainings = [(2, null), (4, null), (2, 4), (2, 1)];

    private readonly ChaosTrainings _trainings = new(options);

    /// <summary>Runs all of it.</summary>
    /// <returns>Whether nothing differs and no sample is lost.</returns>
    public bool Run()
    {
        _trainings.WriteData();
        (long steps, TimeSpan duration) = _trainings.TrainUntouched();
        Write("ranks", "steps", "weights", "states", "losses", "scores", "ledgers", "samples");
        Write("1", Number(steps), "", "", "", "", "", "");
        bool isSame = true;
        foreach ((int first, int? then) in s_trainings)
        {
            string name = then is null ? Number(first) : string.Create(CultureInfo.InvariantCulture, $"{first}, then {then}");
            string run = _trainings.PathOf(name.Replace(", ", "-", StringComparison.Ordinal).Replace(' ', '-'));
            if (then is not null)
                Stop(run, first, steps / 2);
            Finish(run, then ?? first);
            RunComparison found = RunComparison.Of(_trainings.UntouchedPath, run);
            isSame &= found is { WeightBytesDiffering: 0, StateFilesDiffering: 0, LossesDiffering: 0, ScoreFilesDiffering: 0, LedgersDiffering: 0, SamplesLost: 0 };
            Write(
                name, Number(RunFiles.StepsOf(run)), Of(found.WeightBytesDiffering, found.WeightBytes), Number(found.StateFilesDiffering), Of(found.LossesDiffering, found.Losses),
                Of(found.ScoreFilesDiffering, found.ScoreFiles), Of(found.LedgersDiffering, found.Ledgers), Of(found.SamplesLost, found.SamplesDelivered));
        }

        output.WriteLine();
        output.WriteLine(isSame ? "No bit differs, no sample is lost." : "Something differs.");
        return isSame;
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Of(long differing, long all) => string.Create(CultureInfo.InvariantCulture, $"{differing} of {all}");

    private static string[] RanksOf(int ranks) => ranks == 1 ? [] : ["--ranks", Number(ranks)];

    private void Stop(string run, int ranks, long step)
    {
        using TrainerProcess trainer = _trainings.Start(run, RanksOf(ranks));
        while (trainer.LastStep < step && !trainer.HasEnded)
            Thread.Sleep(s_look);
        trainer.Signal(Signals.Terminate);
        End(trainer, (int)ExitCode.Stopped);
    }

    private void Finish(string run, int ranks)
    {
        using TrainerProcess trainer = _trainings.Start(run, RanksOf(ranks));
        End(trainer, 0);
    }

    private void End(TrainerProcess trainer, int code)
    {
        if (!trainer.WaitForEnd(options.Limit))
            throw new TimeoutException($"The training did not end within {options.Limit}.");
        if (trainer.ExitCode != code)
            throw new InvalidOperationException($"The training ended with {trainer.ExitCode}, where {code} was expected: {trainer.LastWords}");
    }

    private void Write(string ranks, string steps, params string[] differing) =>
        output.WriteLine($"{ranks,-12}{steps,8}{string.Concat(differing.Select(what => $"{what,22}"))}");
}
