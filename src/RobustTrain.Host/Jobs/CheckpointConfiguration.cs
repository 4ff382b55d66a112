using RobustTrain.Configuration;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Jobs;

/// <summary>The configuration of a checkpoint that is to be used.</summary>
internal static class CheckpointConfiguration
{
    /// <summary>Reads the configuration that is named, else that of the run in which the checkpoint lies.</summary>
    /// <param name="path">A run's folder or a checkpoint's, absolute.</param>
    /// <param name="configPath">The configuration; null for the run's own.</param>
    /// <param name="settings">Settings that win over it.</param>
    /// <param name="device">Another device; null for the configuration's.</param>
    /// <param name="dataPath">Another dataset's folder; null for the configuration's.</param>
    /// <exception cref="RunException">There is no such folder, or nothing says what its network is.</exception>
    /// <exception cref="ConfigurationException">The configuration has mistakes.</exception>
    public static TrainingConfig Read(string path, string? configPath, IReadOnlyList<string> settings, string? device, string? dataPath = null)
    {
        if (!Directory.Exists(path))
            throw new RunException(ExitCode.Configuration, "CheckpointNotFound", $"There is no folder '{path}'; a run's or a checkpoint's is expected.", path);
        string? config = configPath ?? RunConfigOf(path);
        if (config is null)
        {
            throw new RunException(
                ExitCode.Configuration, "ConfigurationNotFound",
                $"'{path}' lies in no run, so that nothing says what its network is; name the configuration by --config.", path);
        }

        List<string> all = [.. settings];
        if (dataPath is not null)
            all.Add(Setting("data.path", dataPath));
        if (device is not null)
            all.Add(Setting("device", device));
        IReadOnlyList<string> stages = AtEnd(config);
        return ConfigurationReader.Read<TrainingConfig>(config, [.. stages, .. all]);
    }

    // Of a training with stages what they have changed in its end, as settings.
    private static IReadOnlyList<string> AtEnd(string config)
    {
        TrainingConfig whole = ConfigurationReader.ReadPartial<TrainingConfig>(config, []);
        return whole.Stages is null ? [] : [.. ConfigurationWriter.Differences(whole, whole.AtEnd()).Select(difference => $"{difference.Path}={difference.Right}")];
    }

    // A checkpoint's folder lies in its run's folder checkpoints/.
    private static string? RunConfigOf(string path) =>
        new[] { path, Path.GetFullPath(Path.Combine(path, "..", "..")) }
            .Where(RunFolder.IsRun)
            .Select(RunFolder.ConfigPathOf)
            .FirstOrDefault();

    private static string Setting(string key, string value) => $"{key}={ConfigurationWriter.Quote(value)}";
}
