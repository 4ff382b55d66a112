namespace RobustTrain.Chaos;

/// <summary>One fault and its moment.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Step">After this step of the run has been done.</param>
/// <param name="Delay">So long after that step, or after the start of the process where that is what is hit.</param>
/// <param name="Share">A random number from 0 to 1, for what else the fault has to choose.</param>
public sealed record Fault(FaultKind Kind, long Step, TimeSpan Delay, double Share)
{
    /// <summary>The fault for people.</summary>
    public string Description => Kind switch
    {
        FaultKind.KillTrainer => "trainer killed",
        FaultKind.KillWhileSaving => "trainer killed while it saves",
        FaultKind.KillWhileStarting => $"trainer killed, and again {Delay.TotalMilliseconds:0} ms after its start",
        FaultKind.KillWorker => "loader worker killed",
        FaultKind.StopWorker => "loader worker stopped (SIGSTOP)",
        FaultKind.TruncateCheckpoint => "trainer killed, newest checkpoint cut short",
        FaultKind.FillDisk => "disk full" + (KillsOnFullDisk ? ", trainer killed and started on it" : ""),
        FaultKind.StopTrainer => $"trainer asked to stop ({(Share < 0.5 ? "SIGTERM" : "SIGUSR1")})",
        FaultKind.KillRank => "killed",
        FaultKind.StopRank => "stopped (SIGSTOP)",
        FaultKind.KillHost => "without power",
        FaultKind.CutHost => "cut off",
        FaultKind.StopHost => "stands still (SIGSTOP)",
        FaultKind.KillLauncher => "launcher killed",
        _ => Kind.ToString(),
    };

    /// <summary>Whether the trainer dies, and can't start, while the disk is full.</summary>
    public bool KillsOnFullDisk => Kind == FaultKind.FillDisk && Share < 0.5;
}
