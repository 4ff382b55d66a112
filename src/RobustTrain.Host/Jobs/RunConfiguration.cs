using RobustTrain.Configuration;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Jobs;

/// <summary>The configuration of a training: the one that is named, else that of the run that is to go on.</summary>
internal static class RunConfiguration
{
    /// <summary>Reads it.</summary>
    /// <param name="configPath">The configuration file; null where the run's own or the defaults are meant.</param>
    /// <param name="settings">Settings that win over the file.</param>
    /// <param name="runPath">The run's folder; null where one is to be chosen.</param>
    /// <param name="resume">What to do with a folder that holds a run.</param>
    /// <exception cref="RunException">The path holds no run and can't become one, or the configuration has mistakes.</exception>
    public static TrainingConfig Read(string? configPath, IReadOnlyList<string> settings, string? runPath, ResumeMode resume)
    {
        if (configPath is not null || runPath is null)
            return ConfigurationReader.Read<TrainingConfig>(configPath, settings);

        // First what is wrong with the path: where a run is missing, its configuration is, too.
        bool isRun = RunFolder.CheckPath(runPath, resume);
        if (!isRun && settings.Count == 0)
            throw RunFolder.NoRunAt(runPath, "to go on with, and no configuration to begin one with");
        return ConfigurationReader.Read<TrainingConfig>(isRun ? RunFolder.ConfigPathOf(runPath) : null, settings);
    }
}
