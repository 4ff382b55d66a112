using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RobustTrain.Data.Loading.Recovery;

/// <summary>The file that remembers samples in quarantine for later runs; several runs may add to it at the same time.</summary>
internal sealed class QuarantineFile(string path)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>What it holds; nothing where there is no such file.</summary>
    /// <exception cref="LoaderException">It can't be read.</exception>
    public List<QuarantineEntry> Read()
    {
        if (!File.Exists(path))
            return [];
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), QuarantineJson.Default.ListQuarantineEntry) ?? [];
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new LoaderException($"The quarantine file '{path}' can't be read: {exception.Message} Mend it, or remove it to try its samples again.", exception);
        }
    }

    /// <summary>Adds entries, whole or not at all; an entry for the same sample is replaced.</summary>
    /// <exception cref="LoaderException">It can't be written.</exception>
    public void Add(IReadOnlyCollection<QuarantineEntry> added)
    {
        string partial = $"{path}.partial-{Environment.ProcessId}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using FileStream held = Lock();
            List<QuarantineEntry> all = Read();
            all.RemoveAll(entry => added.Any(other => other.Part == entry.Part && other.Sample == entry.Sample && other.SampleIndex == entry.SampleIndex));
            all.AddRange(added);
            using (FileStream file = File.Create(partial))
            {
                JsonSerializer.Serialize(file, all, QuarantineJson.Default.ListQuarantineEntry);
                file.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LoaderException($"The quarantine file '{path}' can't be written: {exception.Message}", exception);
        }
    }

    // The lock has a file of its own, since the list is replaced by renaming; it is never deleted.
    private FileStream Lock()
    {
        for (long start = Stopwatch.GetTimestamp(); ; Thread.Sleep(10))
        {
            try
            {
                return new FileStream($"{path}.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (Stopwatch.GetElapsedTime(start) < Patience)
            {
                // Another run holds it for the moment of its own addition.
            }
        }
    }
}

/// <summary>The JSON of the file; generated, so that it needs no reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = false, UseStringEnumConverter = true)]
[JsonSerializable(typeof(List<QuarantineEntry>))]
internal sealed partial class QuarantineJson : JsonSerializerContext;
