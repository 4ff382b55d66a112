using RobustTrain.Runs;

namespace RobustTrain.Chaos;

/// <summary>A training in one process, among faults of it, of its workers, its checkpoints and its disk.</summary>
/// <param name="options">What to train, and how many faults.</param>
/// <param name="output">Takes a line for each fault.</param>
public sealed class ChaosRun(ChaosOptions options, TextWriter output) : FaultyTraining(options, output, s_patience)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly SmallDisk? _disk = options.OwnsDisk ? new SmallDisk(options.Folder) : null;
    private bool _hasMetFullDisk;

    private protected override IReadOnlyList<FaultKind> Kinds => FaultSchedule.OfOneProcess(_disk is not null);

    private string FaultyPath => Trainings.FaultyPath;

    /// <inheritdoc/>
    public override ChaosReport Run()
    {
        if (_disk is null)
            Say("The disk is not filled: this user can mount no small one here (unshare --map-root-user --mount).");
        try
        {
            return base.Run();
        }
        finally
        {
            _disk?.Free();
        }
    }

    private protected override void Apply(Fault fault)
    {
        Say($"step {Trainer!.LastStep + 1}: {fault.Description}");
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
                Trainer.Signal(fault.Share < 0.5 ? Signals.Terminate : Signals.User1);
                End(expected: (int)ExitCode.Stopped);
                break;
            default:
                throw new InvalidOperationException($"{fault.Kind}");
        }
    }

    private protected override bool WaitForStep(Fault fault, long steps)
    {
        while (!IsFinished)
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

            if (Trainer!.HasEnded)
                End(expected: null);
            CheckLimit();
            Thread.Sleep(1);
        }

        return false;
    }

    private bool IsReached(Fault fault) => Trainer!.LastStep >= fault.Step && !Trainer.HasEnded;

    private bool IsReady(Fault fault) => fault.Kind switch
    {
        FaultKind.KillWhileSaving => RunFiles.IsSaving(FaultyPath, () => Trainer!.HasEnded, s_patience),
        FaultKind.KillWorker or FaultKind.StopWorker => Trainer!.Workers.Count > 0,

        // Were it the only one, nothing could be gone back to.
        FaultKind.TruncateCheckpoint => RunFiles.CheckpointsOf(FaultyPath).Count > 1,
        _ => !Trainer!.HasEnded,
    };

    private int Worker(double share)
    {
        IReadOnlyList<int> workers = Trainer!.Workers;
        return workers.Count == 0 ? 0 : workers[(int)(share * workers.Count)];
    }

    private void FillDisk(Fault fault)
    {
        _disk!.Fill();
        if (fault.KillsOnFullDisk)
        {
            Kill();
            Ensure();
            Trainer!.WaitForEnd(s_patience);
        }
        else
        {
            Thread.Sleep(fault.Delay);
        }

        _disk.Free();
        _hasMetFullDisk = true;
        if (Trainer!.HasEnded)
            End(expected: null);
    }

    private protected override TrainerProcess Start()
    {
        _hasMetFullDisk = false;
        return Trainings.Start(FaultyPath);
    }

    // Nothing could be begun, or nothing be completed, without the disk; it may have ended when the disk was free again.
    private protected override bool IsForeseen(int code) =>
        _hasMetFullDisk && code is ((int)ExitCode.Unexpected or (int)ExitCode.Configuration) && Trainer!.LastWords.Contains("no space left", StringComparison.Ordinal);
}
