using System.Security.Cryptography;
using System.Text;
using RobustTrain.Runs.Configuration;

namespace RobustTrain.Training.Loaders;

/// <summary>Where runs over the same data find each other's quarantine.</summary>
internal static class QuarantineLocation
{
    private const int HashLetters = 12;

    /// <summary>
    /// The file that the configuration names; else one for the data set, in <c>quarantine/</c> beside the run's folder, since the data itself
    /// may lie where nobody writes. Null where there is no data set on disk.
    /// </summary>
    public static string? Of(TrainingConfig config, string runPath)
    {
        if (config.Loader.QuarantinePath is { Length: > 0 } named)
            return named;
        if (config.Data.Path.Length == 0)
            return null;
        string data = Path.TrimEndingDirectorySeparator(Path.GetFullPath(config.Data.Path));
        string real = Directory.Exists(data) ? Directory.ResolveLinkTarget(data, returnFinalTarget: true)?.FullName ?? data : data;
        string key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(real)))[..HashLetters];
        string runs = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(runPath))) ?? runPath;
        return Path.Combine(runs, "quarantine", $"{config.Data.Dataset}-{key}.json");
    }
}
