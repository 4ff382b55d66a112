using RobustTrain.Runs;

namespace RobustTrain.Host.Jobs;

/// <summary>What the command line asks of a training.</summary>
/// <param name="ConfigPath">The configuration file; null where the run's own or the defaults are meant.</param>
/// <param name="Settings">Settings that win over the file.</param>
/// <param name="RunPath">The run's folder; null where one is to be chosen.</param>
/// <param name="Resume">What to do with a folder that holds a run.</param>
/// <param name="HasLifeLine">Whether standard input is the parent's life line.</param>
internal sealed record TrainRequest(string? ConfigPath, IReadOnlyList<string> Settings, string? RunPath, ResumeMode Resume, bool HasLifeLine);
