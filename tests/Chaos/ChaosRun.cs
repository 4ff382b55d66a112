using System.Diagnostics;
using System.Globalization;
using RobustTrain.Runs;

namespace RobustTrain.Chaos;

/// <summary>
/// Trains once untouched and once among faults, each attempt started again until one exits with 0, and compares what is left.
/// </summary>
/// <param name="options">What to train, and how many faults.</param>
/// <param name="output">Takes a line for each fault, and the table in the end.</param>
public sealed class ChaosRun(ChaosOptions options, TextWriter output)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ChaosTrainings _trainings = new(options);
    private readonly Dictionary<FaultKind, int> _applied = [];
    private readonly List<string> _surprises = [];
    private readonly SmallDisk? _disk = options.OwnsDisk ? new SmallDisk(options.Folder) : null;
    private TrainerProcess? _trainer;
    private int _starts;
    private bool _isFinished;
    private bool _hasMetFullDisk;

    private string FaultyPath => _trainings.FaultyPath;

    /// <summary>Runs all of it.</summary>
    /// <returns>What was found; without any difference where the promise is kept.</returns>
    public ChaosReport Run()
    {
        _trainings.WriteData();
        if (_disk is null)
            output.WriteLine("The disk is not filled: this user can mount no small one here (unshare --map-root-user --mount).");

        (long steps, TimeSpan alone) = _trainings.TrainUntouched();
        Say(string.Create(CultureInfo.InvariantCulture, $"untouched: {steps} steps, exit code 0"));
        try
        {
            foreach (Fault fault in FaultSchedule.Create(options.Faults, options.Seed, steps, alone / steps, FaultSchedule.OfOneProcess(_disk is not null)))
                Apply(fault);
            while (!_isFinished)
                WaitForEnd(FaultyPath);
        }
        finally
        {
            _trainer?.Dispose();
            _disk?.Free();
        }

        return new ChaosReport(
            options.Faults, _applied, _surprises, _starts, alone, _clock.Elapsed - alone,
            RunComparison.Of(_trainings.UntouchedPath, FaultyPath), _trainings.FindLeftovers());
    }

    private void Apply(Fault fault)
    {
        if (!WaitForStep(fault))
            return;
        _applied[fault.Kind] = _applied.GetValueOrDefault(fault.Kind) + 1;
        Say(string.Create(CultureInfo.InvariantCulture, $"step {_trainer!.LastStep + 1}: {fault.Description}"));
        switch (fault.Kind)
        {
            case FaultKind.KillTrainer or FaultKind.KillWhileSaving:
                Kill();
                break;
            case FaultKind.KillWhileStarting:
                Kill();
                Ensure();
                Thread.Sleep(fault.Delay);
                Kill();
                break;
            case FaultKind.KillWorker or FaultKind.StopWorker:
                Signals.Send(Worker(fault.Share), fault.Kind == FaultKind.KillWorker ? Signals.Kill : Signals.Stop);
                break;
            case FaultKind.TruncateCheckpoint:
                Kill();
                RunFiles.TruncateNewestCheckpoint(FaultyPath, fault.Share);
                break;
            case FaultKind.FillDisk:
                FillDisk(fault);
                break;
            case FaultKind.StopTrainer:
                _trainer.Signal(fault.Share < 0.5 ? Signals.Terminate : Signals.User1);
                End(expected: (int)ExitCode.Stopped);
                break;
            default:
                throw new InvalidOperationException($"{fault.Kind}");
        }
    }

    // False where the training finished first, so that the fault is left out, and missed in the table.
    private bool WaitForStep(Fault fault)
    {
        while (!_isFinished)
        {
            Ensure();
            if (IsReached(fault))
            {
                if (fault.Kind is not (FaultKind.KillWhileStarting or FaultKind.FillDisk))
                    Thread.Sleep(fault.Delay);
                if (!IsReady(fault))
                    continue;
                return true;
            }

            if (_trainer!.HasEnded)
                End(expected: null);
            else if (_clock.Elapsed > options.Limit)
                throw new TimeoutException($"The training did not come to step {fault.Step} within {options.Limit}.");
            else
                Thread.Sleep(1);
        }

        return false;
    }

    private bool IsReached(Fault fault) => _trainer!.LastStep >= fault.Step && !_trainer.HasEnded;

    private bool IsReady(Fault fault) => fault.Kind switch
    {
        FaultKind.KillWhileSaving => RunFiles.IsSaving(FaultyPath, () => _trainer!.HasEnded, s_patience),
        FaultKind.KillWorker or FaultKind.StopWorker => _trainer!.Workers.Count > 0,

        // Were it the only one, nothing could be gone back to.
        FaultKind.TruncateCheckpoint => RunFiles.CheckpointsOf(FaultyPath).Count > 1,
        _ => !_trainer!.HasEnded,
    };

    private int Worker(double share)
    {
        IReadOnlyList<int> workers = _trainer!.Workers;
        return workers.Count == 0 ? 0 : workers[(int)(share * workers.Count)];
    }

    private void FillDisk(Fault fault)
    {
        _disk!.Fill();
        if (fault.KillsOnFullDisk)
        {
            Kill();
            Ensure();
            _trainer!.WaitForEnd(s_patience);
        }
        else
        {
            Thread.Sleep(fault.Delay);
        }

        _disk.Free();
        _hasMetFullDisk = true;
        if (_trainer!.HasEnded)
            End(expected: null);
    }

    private void Ensure()
    {
        if (_trainer is not null)
            return;
        _trainer = _trainings.Start(FaultyPath);
        _hasMetFullDisk = false;
        _starts++;
    }

    private void Kill()
    {
        _trainer!.Signal(Signals.Kill);
        End(expected: Signals.KilledCode);
    }

    private void WaitForEnd(string runPath)
    {
        Ensure();
        if (!_trainer!.WaitForEnd(options.Limit - _clock.Elapsed))
            throw new TimeoutException($"The training in {runPath} did not end within {options.Limit}.");
        End(expected: null);
    }

    private void End(int? expected)
    {
        if (!_trainer!.WaitForEnd(s_patience))
            throw new TimeoutException($"The training did not end within {s_patience}.");
        int code = _trainer.ExitCode;
        _isFinished = code == 0;
        // Nothing could be begun, or nothing be completed, without the disk; it may have ended when the disk was free again.
        bool isDisks = _hasMetFullDisk && code is ((int)ExitCode.Unexpected or (int)ExitCode.Configuration) && _trainer.LastWords.Contains("no space left", StringComparison.Ordinal);
        if (code != 0 && code != expected && !isDisks)
        {
            _surprises.Add($"exit code {code}: {_trainer.LastWords}");
            Say($"not foreseen: {_surprises[^1]}");
            if (_surprises.Count > 3)
                throw new InvalidOperationException("The training ends again and again for a reason that was not foreseen.");
        }

        _trainer.Dispose();
        _trainer = null;
    }

    private void Say(string line) => output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[{_clock.Elapsed.TotalSeconds,6:F1} s] {line}"));
}
