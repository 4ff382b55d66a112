using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RobustTrain.Runs;

namespace RobustTrain.Chaos;

/// <summary>Reads, and damages, the files of a run as somebody would who knows their format and none of the code.</summary>
internal static class RunFiles
{
    private const string ManifestFile = "manifest.json";

    /// <summary>The steps that a run has done, by its losses.</summary>
    public static long StepsOf(string run) =>
        Directory.EnumerateFiles(Path.Combine(run, "epochs"), "losses.csv", SearchOption.AllDirectories).Sum(file => File.ReadLines(file).Count() - 1);

    /// <summary>The checkpoints under their final names, the newest first; those whose manifests can't be read are none.</summary>
    public static IReadOnlyList<CheckpointFiles> CheckpointsOf(string run) => Directory.Exists(RunFolder.CheckpointsPathOf(run))
        ? [.. Directory.EnumerateDirectories(RunFolder.CheckpointsPathOf(run)).Select(TryRead).OfType<CheckpointFiles>().OrderByDescending(checkpoint => checkpoint.Sequence)]
        : [];

    /// <summary>Cuts one file of the newest checkpoint short.</summary>
    /// <param name="run">The run's folder.</param>
    /// <param name="share">Chooses the file and where it is cut, 0 to 1.</param>
    public static void TruncateNewestCheckpoint(string run, double share)
    {
        string[] files = [.. Directory.EnumerateFiles(CheckpointsOf(run)[0].Path).Order(StringComparer.Ordinal)];
        using FileStream file = File.OpenWrite(files[(int)(share * files.Length)]);
        file.SetLength((long)(share * file.Length));
    }

    /// <summary>Waits until a checkpoint is half written.</summary>
    /// <returns>False where the training ended before.</returns>
    public static bool IsSaving(string run, Func<bool> hasEnded, TimeSpan limit)
    {
        string folder = RunFolder.CheckpointsPathOf(run);
        long start = Stopwatch.GetTimestamp();
        while (!hasEnded())
        {
            // It takes milliseconds: nothing slower than looking all the time would see it.
            if (Directory.EnumerateDirectories(folder, ".writing-*").Any())
                return true;
            if (Stopwatch.GetElapsedTime(start) > limit)
                throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"No checkpoint was written for {limit.TotalSeconds:0} s."));
        }

        return false;
    }

    private static CheckpointFiles? TryRead(string folder)
    {
        try
        {
            using JsonDocument manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, ManifestFile)));
            JsonElement root = manifest.RootElement;
            return new CheckpointFiles(
                folder, root.GetProperty("sequence").GetInt64(), root.GetProperty("is_best").GetBoolean(),
                root.GetProperty("files").EnumerateObject().ToDictionary(file => file.Name, file => file.Value.GetProperty("sha256").GetString()!));
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException)
        {
            return null;
        }
    }
}
