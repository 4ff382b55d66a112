using RobustTrain.Data.Stacks;

namespace RobustTrain.Data.Loading;

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

    /// <summary>Leaves a block of memory to a worker that may still write to it; it is freed when the worker has ended.</summary>
    void Bequeath(SharedBlock block);
}
