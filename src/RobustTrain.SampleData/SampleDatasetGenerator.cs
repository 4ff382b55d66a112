using RobustTrain.Data;
using RobustTrain.Platform;

namespace RobustTrain.SampleData;

/// <summary>Makes data to train on.</summary>
public static class SampleDatasetGenerator
{
    /// <summary>Writes the data of a task. The folder appears whole or not at all.</summary>
    /// <param name="options">What, and where.</param>
    /// <param name="progress">Is told of each part.</param>
    /// <param name="stopping">Stops between two parts; nothing is left behind.</param>
    /// <exception cref="DatasetException">The folder exists and is not empty, or can't be written.</exception>
    public static void Write(SampleDatasetOptions options, Action<SampleDatasetProgress>? progress = null, CancellationToken stopping = default)
    {
        SampleDataPart[] parts = [.. SampleDataCatalog.PartsOf(options)];
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Path));
        if (File.Exists(target))
            throw new DatasetException($"The path '{target}' is a file; expected a folder that is empty or does not exist.", target);
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new DatasetException($"The folder '{target}' is not empty; sample data is written into a new or empty folder.", target);

        string partial = $"{target}.partial-{Environment.ProcessId}";
        try
        {
            for (int part = 0; part < parts.Length; part++)
            {
                stopping.ThrowIfCancellationRequested();
                parts[part].Write(partial);
                progress?.Invoke(new SampleDatasetProgress(parts[part].Name, part + 1, parts.Length));
            }

            if (Directory.Exists(target))
                Directory.Delete(target);
            Directory.Move(partial, target);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException && !StorageError.IsNoSpaceLeft(exception))
        {
            throw new DatasetException($"The sample data can't be written to '{target}': {exception.Message}", target, exception);
        }
        finally
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
        }
    }
}

/// <summary>What sample data is made, and where.</summary>
public sealed record SampleDatasetOptions
{
    /// <summary>The folder to make; it must not exist or be empty.</summary>
    public required string Path { get; init; }

    /// <summary>The task that is to be trained on it, of <see cref="SampleDataCatalog.Tasks"/>.</summary>
    public string Task { get; init; } = "change-detection";

    /// <summary>The same seed gives the same bytes.</summary>
    public long Seed { get; init; }

    /// <summary>change-detection: the share of each scene that is built up between the dates, 0.01 to 0.2.</summary>
    public double ChangeShare { get; init; } = 0.06;
}

/// <summary>A part of the sample data is written.</summary>
/// <param name="Scene">Its name, for change-detection that of a scene, as in <c>Szada/1</c>.</param>
/// <param name="Done">Parts written so far.</param>
/// <param name="Total">Parts in all.</param>
public readonly record struct SampleDatasetProgress(string Scene, int Done, int Total);
