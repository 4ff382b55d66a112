using RobustTrain.Runs.Events;

namespace RobustTrain.Bench.Durability;

/// <summary>Hands a run's events to a function.</summary>
internal sealed class Journal(Action<RunEvent> onEvent) : IRunJournal
{
    public void Write(RunEvent runEvent)
    {
        lock (this)
            onEvent(runEvent);
    }
}
