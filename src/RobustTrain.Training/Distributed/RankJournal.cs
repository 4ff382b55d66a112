using System.Collections.Concurrent;
using RobustTrain.Runs.Events;

namespace RobustTrain.Training.Distributed;

/// <summary>
/// A run's journal seen from one of several ranks. All ranks come past the same events; the first one writes them, and what happens at a single
/// rank, as at its loader's workers, the others keep until it is handed to the first. Each event names its rank.
/// </summary>
/// <param name="journal">The run's journal; not written to by others than the first rank.</param>
/// <param name="ranks">The ranks.</param>
internal sealed class RankJournal(IRunJournal journal, Ranks ranks) : IRunJournal
{
    private readonly ConcurrentQueue<RunEvent> _kept = new();

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        if (ranks.IsAlone)
            journal.Write(runEvent);
        else if (ranks.IsFirst)
            journal.Write(runEvent.Rank is null ? runEvent with { Rank = 0 } : runEvent);
        else if (runEvent.Rank is null && runEvent is LoaderChanged or LoaderEpoch or RunWarning or StopRequested)
            _kept.Enqueue(runEvent with { Rank = ranks.Rank, Time = runEvent.Time == default ? DateTimeOffset.UtcNow : runEvent.Time });
    }

    /// <summary>What was kept since the last call.</summary>
    public IReadOnlyList<RunEvent> Take()
    {
        List<RunEvent> taken = [];
        while (_kept.TryDequeue(out RunEvent? next))
            taken.Add(next);
        return taken;
    }
}
