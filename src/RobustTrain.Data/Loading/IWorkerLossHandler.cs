namespace RobustTrain.Data.Loading;

/// <summary>Takes back what a lost worker had.</summary>
internal interface IWorkerLossHandler
{
    /// <summary>A worker is certainly gone: what it had can be loaded again at once.</summary>
    /// <param name="cell">Its cell.</param>
    /// <param name="worker">Its name.</param>
    /// <param name="reason">Why it is gone; null where the sample that it had is not to blame in any way.</param>
    /// <param name="loss">How it went.</param>
    void TakeBack(int cell, string worker, string? reason, WorkerLoss loss);

    /// <summary>A worker is stuck and can't be killed: it may still write to its slot, whose memory changes hands.</summary>
    void TakeAway(int cell, IWorker abandoned, string worker, string? reason);

    /// <summary>A worker failed: counts, and says whether workers are to be given up.</summary>
    bool CountFailure(LoaderEvent loaderEvent);

    /// <summary>No worker is left, nor will there be one.</summary>
    void FallBack(string reason);

    /// <summary>Reads what workers report of samples, and changes the memory of slots where it is due.</summary>
    void Tend();

    /// <summary>Tells the observer.</summary>
    void Report(LoaderEvent loaderEvent);

    /// <summary>The name of a sample, for messages.</summary>
    string NameOf(int sampleIndex);
}
