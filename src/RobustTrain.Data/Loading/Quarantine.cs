using System.Text.Json;

namespace RobustTrain.Data.Loading;

/// <summary>Samples that are not to be loaded, kept in a file that outlives the run where one is given. Safe for several threads.</summary>
public sealed class Quarantine
{
    private readonly object _gate = new();
    private readonly string? _path;
    private readonly IDataset _dataset;
    private readonly Dictionary<int, QuarantineEntry> _entries = [];

    /// <summary>Reads the file, where there is one.</summary>
    /// <param name="dataset">The data set that the samples belong to.</param>
    /// <param name="path">The file; null for none.</param>
    /// <param name="ignoreFormer">Whether samples that the file names are tried again.</param>
    /// <exception cref="LoaderException">The file can't be read.</exception>
    public Quarantine(IDataset dataset, string? path, bool ignoreFormer)
    {
        _dataset = dataset;
        _path = path;
        if (ignoreFormer)
            return;
        foreach (QuarantineEntry entry in ReadFile())
        {
            if (Applies(entry))
                _entries[entry.SampleIndex] = entry;
        }
    }

    /// <summary>The samples in quarantine.</summary>
    public IReadOnlyList<QuarantineEntry> Entries
    {
        get
        {
            lock (_gate)
                return [.. _entries.Values.OrderBy(entry => entry.SampleIndex)];
        }
    }

    /// <summary>Why a sample is in quarantine; null where it isn't.</summary>
    public QuarantineEntry? Find(int index)
    {
        lock (_gate)
            return _entries.Count == 0 ? null : _entries.GetValueOrDefault(index);
    }

    /// <summary>Puts a sample into quarantine, and writes the file.</summary>
    /// <exception cref="LoaderException">The file can't be written.</exception>
    public void Add(int index, IReadOnlyList<string> evidence)
    {
        IReadOnlyList<string> files = (_dataset as IFileBackedDataset)?.FilesOf(index) ?? [];
        QuarantineEntry entry = new(index, _dataset.NameOf(index), DateTimeOffset.UtcNow, evidence, [.. files.Select(FileStamp.Of)]);
        lock (_gate)
        {
            _entries[index] = entry;
            if (_path is not null)
                WriteFile(entry);
        }
    }

    private bool Applies(QuarantineEntry entry) =>
        entry.SampleIndex >= 0
        && entry.SampleIndex < _dataset.Count
        && _dataset.NameOf(entry.SampleIndex) == entry.Sample
        && entry.Files.All(file => FileStamp.Of(file.Path) == file);

    private List<QuarantineEntry> ReadFile()
    {
        if (_path is null || !File.Exists(_path))
            return [];
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(_path), LoaderJson.Default.ListQuarantineEntry) ?? [];
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new LoaderException($"The quarantine file '{_path}' can't be read: {exception.Message}", exception);
        }
    }

    /// <summary>Adds to what the file holds, for other data sets' samples stand in it too.</summary>
    private void WriteFile(QuarantineEntry added)
    {
        List<QuarantineEntry> all = ReadFile();
        all.RemoveAll(entry => entry.Sample == added.Sample && entry.SampleIndex == added.SampleIndex);
        all.Add(added);
        string partial = $"{_path}.partial-{Environment.ProcessId}";
        try
        {
            File.WriteAllText(partial, JsonSerializer.Serialize(all, LoaderJson.Default.ListQuarantineEntry));
            File.Move(partial, _path!, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LoaderException($"The quarantine file '{_path}' can't be written: {exception.Message}", exception);
        }
    }
}
