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
}
