using System.Collections.Concurrent;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Training;

/// <summary>Keeps a run's events.</summary>
internal sealed class MemoryJournal(Action<RunEvent>? onEvent = null) : IRunJournal
{
    private readonly ConcurrentQueue<RunEvent> _events = new();

    public IReadOnlyList<RunEvent> Events => [.. _events];

    public IReadOnlyList<T> Of<T>()
        where T : RunEvent => [.. _events.OfType<T>()];

    public void Write(RunEvent runEvent)
    {
        _events.Enqueue(runEvent);
        onEvent?.Invoke(runEvent);
    }
}
