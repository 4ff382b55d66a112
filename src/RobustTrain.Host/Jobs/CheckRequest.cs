using RobustTrain.Runs;

namespace RobustTrain.Host.Jobs;

/// <summary>What the command line asks of a check.</summary>
/// <param name="ConfigPath">The configuration file; null where the defaults are meant.</param>
/// <param name="Settings">Settings that win over the file.</param>
/// <param name="RunPath">The folder of the run that would begin or go on; null where one would be chosen.</param>
/// <param name="Resume">What to do with a folder that holds a run.</param>
/// <param name="HasLifeLine">Whether standard input is the parent's life line.</param>
internal sealed record CheckRequest(string? ConfigPath, IReadOnlyList<string> Settings, string? RunPath, ResumeMode Resume, bool HasLifeLine);
