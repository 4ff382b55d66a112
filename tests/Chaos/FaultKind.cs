namespace RobustTrain.Chaos;

/// <summary>What befalls a training.</summary>
public enum FaultKind
{
    /// <summary>The trainer gets SIGKILL between or within steps, a validation or a test.</summary>
    KillTrainer,

    /// <summary>The trainer gets SIGKILL while a checkpoint is half written.</summary>
    KillWhileSaving,

    /// <summary>The trainer gets SIGKILL, and again while it starts.</summary>
    KillWhileStarting,

    /// <summary>A loader worker gets SIGKILL.</summary>
    KillWorker,

    /// <summary>A loader worker gets SIGSTOP, and hangs until it is replaced.</summary>
    StopWorker,

    /// <summary>The trainer gets SIGKILL, and a file of its newest checkpoint is cut short.</summary>
    TruncateCheckpoint,

    /// <summary>The run's disk is full for a while; half of the times the trainer gets SIGKILL meanwhile and is started again on the full disk.</summary>
    FillDisk,

    /// <summary>The trainer is asked to stop, as a scheduler does before it takes the machine away.</summary>
    StopTrainer,

    /// <summary>A rank gets SIGKILL.</summary>
    KillRank,

    /// <summary>A rank gets SIGSTOP, and never goes on.</summary>
    StopRank,

    /// <summary>A host loses its power: nobody hears of it any more, and all of its processes are gone. Later it comes back.</summary>
    KillHost,

    /// <summary>A host's cable is pulled (<c>ip link set down</c>), and later put back.</summary>
    CutHost,

    /// <summary>All processes of a host stand still (SIGSTOP), and later go on.</summary>
    StopHost,

    /// <summary>The launcher of the ranks gets SIGKILL.</summary>
    KillLauncher,
}
