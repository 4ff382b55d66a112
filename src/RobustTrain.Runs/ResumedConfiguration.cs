using System.Globalization;
using RobustTrain.Configuration;

namespace RobustTrain.Runs;

/// <summary>Compares the configuration and the data with which a run was begun with those with which it is to go on.</summary>
internal static class ResumedConfiguration
{
    private const string DataPathKey = "data.path";

    /// <summary>Finds what changes.</summary>
    /// <param name="path">The run's folder.</param>
    /// <param name="record">The run's record.</param>
    /// <param name="config">The configuration with which it is to go on.</param>
    /// <param name="data">The data with which it is to go on; null where they are not open yet.</param>
    /// <returns>
    /// The keys that change and may: those of which no bit depends (<see cref="FreeOnResumeAttribute"/>), and the data's path where names and sizes are
    /// the same there.
    /// </returns>
    /// <exception cref="RunException">A key changes on which the run's bits depend, or the data at another path are others.</exception>
    public static IReadOnlyList<ConfigurationDifference> Compare<T>(string path, RunRecord record, T config, IReadOnlyList<SplitRecord>? data)
        where T : IRunConfiguration, new()
    {
        if (record.ConfigurationDigest == ConfigurationWriter.Digest(config))
            return [];

        // Without its file, which a kill may have come before, the digest alone says that something differs.
        if (!File.Exists(RunFolder.ConfigPathOf(path)))
            throw Refusal(path, "");
        IReadOnlyList<ConfigurationDifference> differences = ConfigurationWriter.Differences(RunFolder.ReadConfig<T>(path), config);
        ConfigurationDifference[] bound = [.. differences.Where(difference => !IsFree<T>(difference.Path, record))];
        if (bound.Length > 0)
            throw Refusal(path, ": " + string.Join(", ", bound.Select(difference => $"{difference.Path} is {difference.Left} there and {difference.Right} here")));
        if (data is not null && differences.FirstOrDefault(difference => difference.Path == DataPathKey) is { } moved && DataDifference(record, data) is { } other)
            throw Refusal(path, $": its data were at {moved.Left}, and those at {moved.Right} are others: {other}");
        return differences;
    }

    /// <summary>What is other about the data than when the run was last at work, as the end of a sentence; null where nothing is, or nobody knows.</summary>
    public static string? DataDifference(RunRecord record, IReadOnlyList<SplitRecord> data) => record.Data is not { } former || former.SequenceEqual(data) ? null
        : string.Join(", ", former.Zip(data).Where(pair => pair.First != pair.Second).Select(pair => Describe(pair.First, pair.Second)));

    // What the record doesn't know of its data can't be compared.
    private static bool IsFree<T>(string key, RunRecord record)
        where T : new() => ConfigurationSchema<T>.Find(key)!.IsFreeOnResume || (key == DataPathKey && record.Data is not null);

    private static string Describe(SplitRecord former, SplitRecord now) =>
        (former.Samples, former.Bytes) == (now.Samples, now.Bytes)
            ? $"the {former.Split} split has other names or sizes"
            : string.Create(CultureInfo.InvariantCulture, $"the {former.Split} split had {Counted.Of(former.Samples, "sample")} of {former.Bytes} bytes and has {now.Samples} of {now.Bytes}");

    private static RunException Refusal(string path, string differing) => new(
        ExitCode.Configuration, "RunConfigurationDiffers", $"The run at '{path}' was begun with another configuration{differing}; name another folder for this one.", path);
}
