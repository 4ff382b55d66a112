namespace RobustTrain.Runs.Events;

/// <summary>Takes a run's events, in order, from any thread.</summary>
public interface IRunJournal
{
    /// <summary>Writes one event, with the present time where it has none.</summary>
    void Write(RunEvent runEvent);
}
