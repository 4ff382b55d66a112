using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Recovery;

/// <summary>
/// Samples that are not to be loaded, kept in a file that outlives the run where one is given. What is found in an epoch counts from the
/// next one on, so that a stream does not depend on when it is found. Safe for several threads.
/// </summary>
public sealed class Quarantine
{
    private readonly object _gate = new();
    private readonly IDataset _dataset;
    private readonly string? _path;
    private readonly QuarantineFile? _file;
    private readonly string? _part;
    private readonly bool _changesStream;
    private readonly Dictionary<int, QuarantineEntry> _entries = [];
    private readonly List<QuarantineEntry> _unwritten = [];

    /// <summary>Reads the file, where there is one.</summary>
    /// <param name="dataset">The dataset that the samples belong to.</param>
    /// <param name="options">The file, and whether samples that it names are tried again.</param>
    /// <exception cref="LoaderException">The file can't be read.</exception>
    public Quarantine(IDataset dataset, LoaderOptions options)
    {
        _dataset = dataset;
        _path = options.QuarantinePath;
        _file = options.QuarantinePath is null ? null : new QuarantineFile(options.QuarantinePath);
        _part = options.QuarantinePart;
        _changesStream = options.OnBadSample == BadSamplePolicy.Skip;
        if (options.IgnoreQuarantine || _file is null)
            return;
        Take(_file.Read().Where(entry => entry.Part == _part).Select(entry => entry with { Epoch = null, Batch = null }), entry => entry.Files.All(file => FileStamp.Of(file.Path) == file));
    }

    /// <summary>The samples in quarantine, those found in the epoch under way included.</summary>
    public IReadOnlyList<QuarantineEntry> Entries
    {
        get
        {
            lock (_gate)
                return _entries.Count == 0 ? [] : [.. _entries.Values.OrderBy(entry => entry.SampleIndex)];
        }
    }

    /// <summary>Why a sample is in quarantine; null where it isn't.</summary>
    public QuarantineEntry? Find(int index)
    {
        lock (_gate)
            return _entries.Count == 0 ? null : _entries.GetValueOrDefault(index);
    }

    /// <summary>The samples that an epoch goes without from its beginning.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    public IReadOnlyList<QuarantineEntry> CountingIn(int epoch) => [.. Entries.Where(entry => entry.Epoch is null || entry.Epoch < epoch)];

    /// <summary>What a run that is interrupted at a place needs to go on with the same stream: what it had found before that place.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="batch">The next batch of the epoch.</param>
    public IReadOnlyList<QuarantineMark> StateAt(int epoch, int batch) =>
    [
        .. Entries.Where(entry => entry.Epoch is not int found || found < epoch || (found == epoch && entry.Batch < batch))
            .Select(entry => new QuarantineMark(entry.SampleIndex, entry.Sample, entry.Epoch, entry.Batch)),
    ];

    /// <summary>
    /// Goes on with what <see cref="StateAt"/> gave: whatever the file says now, the run goes without these samples and no others.
    /// Where samples are not skipped a quarantine can end a stream but not change it; then the file as it is now decides.
    /// </summary>
    public void Restore(IEnumerable<QuarantineMark> state)
    {
        if (!_changesStream)
            return;
        lock (_gate)
        {
            Dictionary<string, QuarantineEntry> known = new(_entries.Values.Select(entry => KeyValuePair.Create(entry.Sample, entry)).DistinctBy(pair => pair.Key));
            _entries.Clear();
            Take(state.Select(mark => Entry(mark, known.GetValueOrDefault(mark.Sample))), _ => true);
        }
    }

    /// <summary>Why a sample is in quarantine, for people.</summary>
    internal string ReasonFor(int index)
    {
        QuarantineEntry? entry = Find(index);
        return $"it is in quarantine since {entry?.Since:u}: {Evidence.Text(entry?.Evidence ?? [])}{(_path is null ? "" : $" (its file is '{_path}'; a new run with loader.ignore_quarantine tries the sample again)")}";
    }

    /// <summary>Puts a sample into quarantine, and writes the file.</summary>
    /// <param name="index">Its index.</param>
    /// <param name="epoch">The epoch in which it was found.</param>
    /// <param name="evidence">What happened each time.</param>
    /// <exception cref="LoaderException">The file can't be written; the sample is in quarantine for this loader, and the next call tries again.</exception>
    public void Add(int index, int epoch, IReadOnlyList<string> evidence)
    {
        IReadOnlyList<string> files = (_dataset as IFileBackedDataset)?.FilesOf(index) ?? [];
        QuarantineEntry entry = new(index, _dataset.NameOf(index), DateTimeOffset.UtcNow, [.. evidence], [.. files.Select(FileStamp.Of)]) { Part = _part, Epoch = epoch };
        lock (_gate)
        {
            // A copy of the sample may have been found in this epoch, or be tried again although an earlier run had found it.
            if (!_entries.TryGetValue(index, out QuarantineEntry? known) || known.Epoch is null)
                _entries[index] = entry;
            if (_file is null)
                return;
            _unwritten.Add(entry);
            _file.Add(_unwritten);
            _unwritten.Clear();
        }
    }

    /// <summary>Takes over what another rank has found out, and has written down itself.</summary>
    public void Learn(QuarantineEntry found)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(found.SampleIndex, out QuarantineEntry? known) || known.Epoch is null)
                _entries[found.SampleIndex] = found;
        }
    }

    /// <summary>Notes that a batch went without a sample that was found in its epoch.</summary>
    internal void Confirm(int index, int epoch, int batch)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(index, out QuarantineEntry? entry) && entry.Epoch == epoch && entry.Batch is null)
                _entries[index] = entry with { Batch = batch };
        }
    }

    private static QuarantineEntry Entry(QuarantineMark mark, QuarantineEntry? known)
    {
        known ??= new QuarantineEntry(mark.SampleIndex, mark.Sample, DateTimeOffset.UtcNow, ["the run had it in quarantine when its checkpoint was written"], []);
        return known with { SampleIndex = mark.SampleIndex, Epoch = mark.Epoch, Batch = mark.Batch };
    }

    /// <summary>Takes entries over whose samples are there; a dataset that has grown has them at other indices.</summary>
    private void Take(IEnumerable<QuarantineEntry> entries, Func<QuarantineEntry, bool> applies)
    {
        Dictionary<string, QuarantineEntry> moved = [];
        foreach (QuarantineEntry entry in entries.Where(applies))
        {
            if (entry.SampleIndex >= 0 && entry.SampleIndex < _dataset.Count && _dataset.NameOf(entry.SampleIndex) == entry.Sample)
                _entries[entry.SampleIndex] = entry;
            else
                moved[entry.Sample] = entry;
        }

        for (int index = 0; moved.Count > 0 && index < _dataset.Count; index++)
        {
            if (moved.Remove(_dataset.NameOf(index), out QuarantineEntry? entry))
                _entries[index] = entry with { SampleIndex = index };
        }
    }
}

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
            return JsonSerializer.Deserialize(DurableFile.ReadText(path), QuarantineJson.Default.ListQuarantineEntry) ?? [];
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

            DurableFile.Move(partial, path);
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

/// <summary>A sample that is not to be loaded, and why.</summary>
/// <param name="SampleIndex">Its index in the dataset.</param>
/// <param name="Sample">Its name.</param>
/// <param name="Since">Since when, UTC.</param>
/// <param name="Evidence">What happened each time, one sentence each.</param>
/// <param name="Files">Its files as they were; when one changes, the quarantine ends.</param>
public sealed record QuarantineEntry(int SampleIndex, string Sample, DateTimeOffset Since, IReadOnlyList<string> Evidence, IReadOnlyList<FileStamp> Files)
{
    /// <summary>The part of the data that it belongs to, as a split: names are unique only there; null where there are no parts.</summary>
    public string? Part { get; init; }

    /// <summary>The epoch in which this loader met it, which goes without it since the next; null where an earlier run had met it.</summary>
    public int? Epoch { get; init; }

    /// <summary>The batch of that epoch that went without it; null until it is due.</summary>
    public int? Batch { get; init; }
}

/// <summary>What of a sample in quarantine decides which samples a stream delivers; the same however the sample was found out.</summary>
/// <param name="SampleIndex">Its index in the dataset.</param>
/// <param name="Sample">Its name.</param>
/// <param name="Epoch">The epoch in which this run met it; null where an earlier run had.</param>
/// <param name="Batch">The batch of that epoch that went without it.</param>
public sealed record QuarantineMark(int SampleIndex, string Sample, int? Epoch, int? Batch);

/// <summary>A file as it was at a time.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Bytes">Its length; -1 where it was not there.</param>
/// <param name="Modified">When it was last written, UTC.</param>
public sealed record FileStamp(string Path, long Bytes, DateTimeOffset Modified)
{
    /// <summary>A file as it is now.</summary>
    public static FileStamp Of(string path)
    {
        FileInfo file = new(path);
        return file.Exists
            ? new FileStamp(path, file.Length, file.LastWriteTimeUtc)
            : new FileStamp(path, -1, DateTimeOffset.UnixEpoch);
    }
}
