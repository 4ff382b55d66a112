namespace RobustTrain.Data.Loading;

/// <summary>How a worker ended.</summary>
/// <param name="Description">For people, as in <c>killed by signal 9 (SIGKILL)</c>.</param>
/// <param name="Loss">What that says about its sample.</param>
internal readonly record struct WorkerExit(string Description, WorkerLoss Loss);
