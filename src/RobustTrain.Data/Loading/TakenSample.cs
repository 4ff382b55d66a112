namespace RobustTrain.Data.Loading;

/// <summary>A sample that was taken away from a stuck thread, which may still write to the slot's memory.</summary>
/// <param name="Slot">The slot.</param>
/// <param name="Position">Its place there.</param>
/// <param name="Worker">The thread.</param>
/// <param name="Name">The worker's name.</param>
/// <param name="Reason">Why it counts as lost; null where the sample is not to blame.</param>
internal sealed record TakenSample(int Slot, int Position, IWorker Worker, string Name, string? Reason);
