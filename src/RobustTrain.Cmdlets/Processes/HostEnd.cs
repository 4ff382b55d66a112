using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Processes;

/// <summary>How a <c>robusttrain</c> ended.</summary>
/// <param name="ExitCode">Its exit code; 128 + N where signal N ended it.</param>
/// <param name="Failure">The error in its own words wherever it had any; null where it finished, or stopped with a checkpoint.</param>
internal sealed record HostEnd(int ExitCode, RunException? Failure);
