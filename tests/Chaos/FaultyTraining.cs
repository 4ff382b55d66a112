using System.Diagnostics;
using System.Globalization;
using RobustTrain.Runs;

namespace RobustTrain.Chaos;

/// <summary>Trains once untouched and once among faults, each attempt started again until one exits with 0, and compares what is left.</summary>
/// <param name="options">What to train, and how many faults.</param>
/// <param name="output">Takes a line for each fault.</param>
/// <param name="patience">How long an attempt may take to end when it should.</param>
public abstract class FaultyTraining(ChaosOptions options, TextWriter output, TimeSpan patience)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<FaultKind, int> _applied = [];
    private readonly List<string> _surprises = [];
    private int _starts;

    /// <summary>The kinds of faults that may happen.</summary>
    private protected abstract IReadOnlyList<FaultKind> Kinds { get; }

    private protected ChaosTrainings Trainings { get; } = new(options);

    /// <summary>The attempt at work; null between two.</summary>
    private protected TrainerProcess? Trainer { get; private set; }

    private protected bool IsFinished { get; private set; }

    /// <summary>Runs all of it.</summary>
    /// <returns>What was found; without any difference where the promise is kept.</returns>
    public virtual ChaosReport Run()
    {
        Trainings.WriteData();
        (long steps, TimeSpan alone) = Trainings.TrainUntouched();
        Say(string.Create(CultureInfo.InvariantCulture, $"untouched, in one process: {steps} steps, exit code 0"));
        try
        {
            foreach (Fault fault in FaultSchedule.Create(options.Faults, options.Seed, steps, alone / steps, Kinds))
            {
                if (!WaitForStep(fault, steps))
                    continue;
                _applied[fault.Kind] = _applied.GetValueOrDefault(fault.Kind) + 1;
                Apply(fault);
            }

            while (!IsFinished)
            {
                Ensure();
                if (!Trainer!.WaitForEnd(options.Limit - _clock.Elapsed))
                    throw TooLate();
                End(expected: null);
            }
        }
        finally
        {
            Trainer?.Dispose();
        }

        return new ChaosReport(
            options.Faults, _applied, _surprises, _starts, alone, _clock.Elapsed - alone, RunComparison.Of(Trainings.UntouchedPath, Trainings.FaultyPath), Trainings.FindLeftovers());
    }

    /// <summary>Waits until a fault can happen.</summary>
    /// <returns>False where the training finished first, so that the fault is left out, and missed in the table.</returns>
    private protected abstract bool WaitForStep(Fault fault, long steps);

    private protected abstract void Apply(Fault fault);

    /// <summary>Starts an attempt.</summary>
    private protected abstract TrainerProcess Start();

    /// <summary>Whether an attempt that has ended may have this exit code, whatever was done to it.</summary>
    private protected abstract bool IsForeseen(int code);

    private protected void Ensure()
    {
        if (Trainer is not null)
            return;
        Trainer = Start();
        _starts++;
    }

    private protected void Kill()
    {
        Trainer!.Signal(Signals.Kill);
        End(expected: Signals.KilledCode);
    }

    /// <summary>Waits for the attempt to end, and notes an exit code that no fault explains.</summary>
    private protected void End(int? expected)
    {
        if (!Trainer!.WaitForEnd(patience))
            throw new TimeoutException($"The training did not end within {patience}.");
        int code = Trainer.ExitCode;
        IsFinished = code == 0;
        if (code != 0 && code != expected && !IsForeseen(code))
        {
            _surprises.Add($"exit code {code}: {Trainer.LastWords}");
            Say($"not foreseen: {_surprises[^1]}");
            if (_surprises.Count > 3)
                throw new InvalidOperationException("The training ends again and again for a reason that was not foreseen.");
        }

        Trainer.Dispose();
        Trainer = null;
    }

    private protected void CheckLimit()
    {
        if (_clock.Elapsed > options.Limit)
            throw TooLate();
    }

    private protected void Say(string line) => output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[{_clock.Elapsed.TotalSeconds,6:F1} s] {line}"));

    private TimeoutException TooLate() => new($"The training did not end within {options.Limit}; it was at step {Trainer?.LastStep}.");
}
