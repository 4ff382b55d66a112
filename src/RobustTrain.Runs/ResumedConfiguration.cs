using RobustTrain.Runs.Configuration;
using RobustTrain.Runs.Configuration.Schema;

namespace RobustTrain.Runs;

/// <summary>Compares the configuration with which a run was begun with the one with which it is to go on.</summary>
internal static class ResumedConfiguration
{
    /// <summary>Finds what changes.</summary>
    /// <param name="path">The run's folder.</param>
    /// <param name="record">The run's record.</param>
    /// <param name="config">The configuration with which it is to go on.</param>
    /// <returns>The keys that change and may (<see cref="FreeOnResumeAttribute"/>).</returns>
    /// <exception cref="RunException">A key changes on which the run's bits depend.</exception>
    public static IReadOnlyList<ConfigurationDifference> Compare(string path, RunRecord record, TrainingConfig config)
    {
        if (record.ConfigurationDigest == ConfigurationWriter.Digest(config))
            return [];

        // Without its file, which a kill may have come before, the digest alone says that something differs.
        if (!File.Exists(RunFolder.ConfigPathOf(path)))
            throw Refusal(path, "");
        IReadOnlyList<ConfigurationDifference> differences = ConfigurationWriter.Differences(RunFolder.ReadConfig(path), config);
        ConfigurationDifference[] bound = [.. differences.Where(difference => !ConfigurationSchema.Find(difference.Path)!.IsFreeOnResume)];
        return bound.Length == 0
            ? differences
            : throw Refusal(path, ": " + string.Join(", ", bound.Select(difference => $"{difference.Path} is {difference.Left} there and {difference.Right} here")));
    }

    private static RunException Refusal(string path, string differing) => new(
        ExitCode.Configuration, "RunConfigurationDiffers", $"The run at '{path}' was begun with another configuration{differing}; name another folder for this one.", path);
}
