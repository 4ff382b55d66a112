using RobustTrain.Data.Loading.Ring;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>A worker as its monitor sees it.</summary>
internal interface IWorker : IDisposable
{
    /// <summary>Its process; null for a thread.</summary>
    int? ProcessId { get; }

    /// <summary>Whether it can be ended against its will, so that it certainly no longer writes.</summary>
    bool CanBeKilled { get; }

    /// <summary>Whether the system has stopped it, so that it can't even come up; it asks the system.</summary>
    bool IsStopped { get; }

    /// <summary>How it ended; null while it lives.</summary>
    WorkerExit? Exit { get; }

    /// <summary>Ends it against its will.</summary>
    void Kill();

    /// <summary>Waits for its end, at most for a time; whether it has ended.</summary>
    bool Join(TimeSpan limit);

    /// <summary>What the system knows about what it is doing, for evidence.</summary>
    string DescribeActivity();

    /// <summary>Asks for the stack of the thread that loads.</summary>
    /// <param name="ended">Is called when it is there, from any thread.</param>
    StackProbe AskForStack(Action ended);

    /// <summary>Gives a reference to memory that the worker may still write to; it is released when the worker has ended.</summary>
    void Keep(CountedBlock block);
}

/// <summary>How a worker ended.</summary>
/// <param name="Description">For people, as in <c>killed by signal 9 (SIGKILL)</c>.</param>
/// <param name="Loss">What that says about its sample.</param>
internal readonly record struct WorkerExit(string Description, WorkerLoss Loss);

/// <summary>What took a worker from its sample.</summary>
internal enum WorkerLoss
{
    /// <summary>It was killed from outside, which says little about the sample.</summary>
    Kill,

    /// <summary>It ended by itself; whatever loads the sample next may end as well.</summary>
    Crash,

    /// <summary>It stood still.</summary>
    Stall,
}
