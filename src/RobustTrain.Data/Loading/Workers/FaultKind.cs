namespace RobustTrain.Data.Loading.Workers;

/// <summary>A way for a worker to fail, for rehearsal.</summary>
public enum FaultKind
{
    /// <summary>The worker is killed (SIGKILL); a thread ends.</summary>
    Kill,

    /// <summary>The worker is stopped (SIGSTOP); a thread sleeps.</summary>
    Stop,

    /// <summary>The worker exits with code 1; a thread ends.</summary>
    Exit,

    /// <summary>The worker writes to address 0 in native code; a thread ends.</summary>
    Segfault,

    /// <summary>The worker loops without end.</summary>
    Loop,

    /// <summary>The sample takes far longer than the timeout.</summary>
    Stall,

    /// <summary>The worker runs out of memory.</summary>
    OutOfMemory,

    /// <summary>The dataset throws an exception that it does not know.</summary>
    Exception,

    /// <summary>The sample's file is damaged.</summary>
    Corrupt,
}
