namespace RobustTrain.Data.Loading;

/// <summary>A stuck thread that nobody waits for any more.</summary>
/// <param name="Worker">The thread.</param>
/// <param name="Cell">Its cell, which it keeps until it comes back.</param>
internal sealed record AbandonedWorker(IWorker Worker, int Cell);
