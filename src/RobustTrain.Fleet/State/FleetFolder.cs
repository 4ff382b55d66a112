using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Fleet.State;

/// <summary>
/// A fleet on disk: the folder <c>.fleet</c> beside its runs, with the journal, the lock of the process that works on it, requests of others,
/// and the output of each start. Only that process writes the journal; an event is on disk before it is acted on.
/// </summary>
public sealed class FleetFolder : IDisposable
{
    private const string FolderName = ".fleet";

    // As a run's lock: so many heartbeats have to be missing before a process of another machine is taken for gone.
    private const int BeatsAwaited = 3;

    private readonly RunLock _lock;
    private readonly FileStream _journal;
    private readonly TimeProvider _time;

    private FleetFolder(string path, RunLock held, FileStream journal, FleetState state, TimeProvider time)
    {
        Path = path;
        _lock = held;
        _journal = journal;
        State = state;
        _time = time;
    }

    /// <summary>The folder in which the runs stand, absolute.</summary>
    public string Path { get; }

    /// <summary>What the journal adds up to.</summary>
    public FleetState State { get; private set; }

    /// <summary>Where the journal stands.</summary>
    public static string JournalPathOf(string path) => In(path, "journal.ndjson");

    /// <summary>Where the status stands.</summary>
    public static string StatusPathOf(string path) => In(path, "status.json");

    /// <summary>The output of a start.</summary>
    public static string StartLogOf(string path, string start) => In(path, "starts", $"{start}.log");

    /// <summary>Whether a folder holds a fleet.</summary>
    public static bool IsFleet(string path) => File.Exists(JournalPathOf(path));

    /// <summary>The run's folder of a member.</summary>
    public static string RunPathOf(string path, string member) => System.IO.Path.Combine(path, member);

    private static string In(string path, params string[] parts) => System.IO.Path.Combine([path, FolderName, .. parts]);

    private static string LockPathOf(string path) => In(path, "lock");

    private static string RequestsPathOf(string path) => In(path, "requests");

    /// <summary>Reads a fleet's state, while a process works on it or not.</summary>
    /// <exception cref="RunException">There is no fleet, or its journal can't be read.</exception>
    public static FleetState Read(string path)
    {
        if (!IsFleet(path))
            throw NoFleet(path);
        try
        {
            return Fold(path, DurableFile.Read(JournalPathOf(path)), out _);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new RunException(ExitCode.Unexpected, "FleetNotReadable", $"The fleet's journal '{JournalPathOf(path)}' can't be read: {StorageError.Describe(refused)}", path, refused);
        }
    }

    /// <summary>How the fleet stood when its process last looked; null where it has not looked yet.</summary>
    /// <exception cref="RunException">There is no fleet, or its status is damaged.</exception>
    public static FleetStatus? ReadStatus(string path)
    {
        if (!IsFleet(path))
            throw NoFleet(path);
        try
        {
            return ParseStatus(DurableFile.Read(StatusPathOf(path)), path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Reads the content of a fleet's status.</summary>
    /// <param name="content">The content of its file.</param>
    /// <param name="path">The fleet's folder.</param>
    /// <exception cref="RunException">It is damaged.</exception>
    public static FleetStatus ParseStatus(ReadOnlySpan<byte> content, string path)
    {
        try
        {
            if (JsonSerializer.Deserialize(content, FleetJson.Default.FleetStatus) is { Members: { } members, Hosts: { } hosts } status
                && members.All(member => member is { Name: not null, Reason: not null }) && hosts.All(host => host is { Name: not null, Reason: not null }))
                return status;
            throw new JsonException("It lacks what every status has.");
        }
        catch (JsonException damaged)
        {
            throw new RunException(ExitCode.Configuration, "FleetNotReadable", $"'{StatusPathOf(path)}' is damaged: it is not the JSON that a fleet writes.", path, damaged);
        }
    }

    /// <summary>Who works on a fleet; null where nobody does. A process of another machine is known by its heartbeat, which takes seconds.</summary>
    public static FleetOpened? HolderOf(string path) =>
        Read(path).Holder is { } holder && (holder.Process.IsAlive() ?? Beats(path, BeatsAwaited * RunLock.BeatInterval)) ? holder : null;

    /// <summary>Takes hold of a fleet, and creates it where it is not there.</summary>
    /// <param name="path">The folder in which its runs stand.</param>
    /// <param name="version">The version of this program.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="RunException">Another process holds it, it can't be read, or the disk refuses.</exception>
    public static FleetFolder Open(string path, string version, TimeProvider time)
    {
        path = System.IO.Path.GetFullPath(path);
        RunLock? held = null;
        FileStream? journal = null;
        try
        {
            Directory.CreateDirectory(In(path, "starts"));
            Directory.CreateDirectory(RequestsPathOf(path));
            if (HeldElsewhere(path) is { } other)
                throw InUse(path, other);
            held = RunLock.Take(LockPathOf(path), mustBeNew: false);
            journal = new FileStream(JournalPathOf(path), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, bufferSize: 0);
            byte[] content = new byte[journal.Length];
            journal.ReadExactly(content);
            FleetState state = Fold(path, content, out int whole);

            // What a kill tore was not acted on yet.
            journal.SetLength(whole);
            journal.Position = whole;
            FleetFolder folder = new(path, held, journal, state, time);
            if (state.Id.Length == 0)
                folder.Append(new FleetCreated(FleetCreated.CurrentFormat, Guid.NewGuid().ToString("N"), Environment.CurrentDirectory));
            folder.Append(new FleetOpened(ProcessIdentity.Current, version));
            return folder;
        }
        catch (Exception refused)
        {
            journal?.Dispose();
            held?.Dispose();
            throw refused switch
            {
                IOException taken when StorageError.IsSharingViolation(taken) => InUse(path, IsFleet(path) ? Read(path).Holder : null),
                IOException or UnauthorizedAccessException => new RunException(
                    ExitCode.Configuration, "FleetPathNotWritable", $"The fleet's folder '{path}' can't be written: {StorageError.Describe(refused)}", path, refused),
                _ => refused,
            };
        }
    }

    /// <summary>Writes an event, which is on disk when this returns.</summary>
    /// <exception cref="IOException">The disk refuses; nothing has happened.</exception>
    public void Append(FleetEvent happened)
    {
        happened = happened with { Time = _time.GetUtcNow() };
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(happened, FleetJson.Readable.FleetEvent), (byte)'\n'];
        long end = _journal.Position;
        try
        {
            _journal.Write(line);
            _journal.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            _journal.SetLength(end);
            _journal.Position = end;
            throw;
        }

        State = State.Apply(happened);
    }

    /// <summary>Writes how the fleet stands, for readers.</summary>
    public void WriteStatus(FleetStatus status) => DurableFile.Write(StatusPathOf(Path), JsonSerializer.SerializeToUtf8Bytes(status, FleetJson.Readable.FleetStatus));

    /// <summary>Has the process that works on a fleet take an event; where none does, the next one takes it.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="asked">What it is to take.</param>
    /// <returns>The request's id.</returns>
    /// <exception cref="RunException">There is no fleet, or the disk refuses.</exception>
    public static string Ask(string path, FleetEvent asked)
    {
        if (!IsFleet(path))
            throw NoFleet(path);

        // Names sort as the requests came.
        string id = string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow.Ticks:x16}-{Guid.NewGuid():N}");
        try
        {
            DurableFile.Write(System.IO.Path.Combine(RequestsPathOf(path), $"{id}.json"), JsonSerializer.SerializeToUtf8Bytes(asked with { Request = id }, FleetJson.Readable.FleetEvent));
            return id;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new RunException(ExitCode.Unexpected, "FleetPathNotWritable", $"The fleet at '{path}' can't be asked: {StorageError.Describe(refused)}", path, refused);
        }
    }

    /// <summary>Takes the requests of others, each once, a kill at any moment included.</summary>
    /// <returns>Files that were no requests, one sentence each.</returns>
    public IReadOnlyList<string> TakeRequests()
    {
        List<string> problems = [];
        foreach (string file in Directory.EnumerateFiles(RequestsPathOf(Path), "*.json").Order(StringComparer.Ordinal).ToArray())
        {
            try
            {
                if (JsonSerializer.Deserialize(DurableFile.Read(file), FleetJson.Default.FleetEvent) is { Request: { } request } asked && !State.Requests.Contains(request))
                    Append(asked);
            }
            catch (JsonException)
            {
                problems.Add($"'{file}' is no request to a fleet and was put aside");
                File.Move(file, file + ".bad", overwrite: true);
                continue;
            }

            File.Delete(file);
        }

        return problems;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _journal.Dispose();
        _lock.Dispose();
    }

    private static FleetState Fold(string path, ReadOnlySpan<byte> content, out int whole)
    {
        FleetState state = FleetState.Empty;
        whole = 0;
        for (int line = 1; content[whole..].IndexOf((byte)'\n') is >= 0 and int length; line++)
        {
            FleetEvent? happened;
            try
            {
                happened = JsonSerializer.Deserialize(content.Slice(whole, length), FleetJson.Default.FleetEvent);
            }
            catch (JsonException damaged)
            {
                throw new RunException(ExitCode.Configuration, "FleetNotReadable", $"The fleet's journal '{JournalPathOf(path)}' is damaged in line {line}: it is not an event that this version knows.", path, damaged);
            }

            if (happened is FleetCreated { Format: > FleetCreated.CurrentFormat } created)
                throw new RunException(ExitCode.Configuration, "FleetNotReadable", $"The fleet's journal '{JournalPathOf(path)}' has the format {created.Format}, but this version knows up to {FleetCreated.CurrentFormat}.", path);
            state = state.Apply(happened!);
            whole += length + 1;
        }

        return state;
    }

    // Locks of many network file systems end at the machine.
    private static FleetOpened? HeldElsewhere(string path) =>
        IsFleet(path) && Read(path).Holder?.Process.IsAlive() is null ? HolderOf(path) : null;

    private static bool Beats(string path, TimeSpan patience)
    {
        long beats = RunLock.ReadBeats(LockPathOf(path));
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < patience; Thread.Sleep(250))
        {
            if (RunLock.ReadBeats(LockPathOf(path)) != beats)
                return true;
        }

        return false;
    }

    private static RunException NoFleet(string path) => new(ExitCode.Configuration, "FleetNotFound", $"There is no fleet at '{path}': there is no '{JournalPathOf(path)}'.", path);

    private static RunException InUse(string path, FleetOpened? holder) => new(
        ExitCode.Configuration, "FleetInUse",
        $"{(holder is null ? "Another process" : $"Process {holder.Process.ProcessId} on {holder.Process.Host}")} holds the fleet at '{path}' already; add to it, or stop it.", path);
}
