namespace RobustTrain.Host.Jobs;

/// <summary>What the command line asks of a check.</summary>
/// <param name="ConfigPath">The configuration file; null where the defaults are meant.</param>
/// <param name="Settings">Settings that win over the file.</param>
/// <param name="HasLifeLine">Whether standard input is the parent's life line.</param>
internal sealed record CheckRequest(string? ConfigPath, IReadOnlyList<string> Settings, bool HasLifeLine);
