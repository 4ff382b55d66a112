namespace RobustTrain.Data.Loading;

/// <summary>How a worker ended.</summary>
/// <param name="Description">For people, as in <c>killed by signal 9 (SIGKILL)</c>.</param>
/// <param name="IsKill">Whether it was killed from outside, which says little about its sample.</param>
internal readonly record struct WorkerExit(string Description, bool IsKill);
