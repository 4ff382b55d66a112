using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Events;

/// <summary>Hands each event, with one time, to several takers in turn, and after a step the host's figures where they are due.</summary>
internal sealed class JournalChain(TimeProvider time, IReadOnlyList<IRunJournal> takers, SystemSampling? sampling = null) : IRunJournal
{
    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        RunEvent timed = runEvent.Time == default ? runEvent with { Time = time.GetUtcNow() } : runEvent;
        foreach (IRunJournal taker in takers)
            taker.Write(timed);

        if (sampling?.Beside(timed) is { } sample)
            Write(sample);
    }
}
