using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using RobustTrain.Configuration;
using RobustTrain.Platform;

namespace RobustTrain.Runs;

/// <summary>
/// The folder of a run, held by this process: no other can open it until this is disposed of or the process ends, however it ends.
/// Made whole or not at all.
/// </summary>
public sealed class RunFolder : IDisposable
{
    // So many heartbeats have to be missing before a process of another machine is taken for gone.
    private const int BeatsAwaited = 3;
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);

    private readonly RunLock _lock;
    private readonly TimeProvider _time;
    private readonly long _opened;
    private readonly Lock _recordGate = new();
    private RunRecord _record;

    private RunFolder(string path, RunLock held, RunRecord record, TimeProvider time, bool isResumed)
    {
        Path = path;
        _lock = held;
        _record = record;
        _time = time;
        _opened = time.GetTimestamp();
        IsResumed = isResumed;
    }

    /// <summary>The folder, absolute.</summary>
    public string Path { get; }

    /// <summary>Whether the folder held the run before.</summary>
    public bool IsResumed { get; }

    /// <summary>
    /// Whether the file system keeps other processes out; where it has no locks, only <c>run.json</c> and the heartbeat say that this process
    /// works on the run.
    /// </summary>
    public bool IsLocked => _lock.KeepsOthersOut;

    /// <summary>The keys of the configuration that are others than before this process went on with the run.</summary>
    public IReadOnlyList<ConfigurationDifference> Changes { get; private init; } = [];

    // What stood here before this process opened the run: the record, and the configuration where it was changed.
    private (RunRecord Record, string? Configuration)? Former { get; init; }

    /// <summary>
    /// What is other about the data than before this process went on with the run, as the end of a sentence; null where nothing is. At another path
    /// they would have been refused.
    /// </summary>
    public string? DataDifference { get; private init; }

    /// <summary>The record as it stands in <c>run.json</c>.</summary>
    public RunRecord Record
    {
        get
        {
            lock (_recordGate)
                return _record;
        }
    }

    /// <summary>The run's record.</summary>
    public string RecordPath => RecordPathOf(Path);

    /// <summary>The configuration with every default.</summary>
    public string ConfigPath => ConfigPathOf(Path);

    /// <summary>The journal.</summary>
    public string JournalPath => JournalPathOf(Path);

    /// <summary>The folder of the checkpoints.</summary>
    public string CheckpointsPath => CheckpointsPathOf(Path);

    /// <summary>The folder of TensorBoard's event files.</summary>
    public string TensorBoardPath => System.IO.Path.Combine(Path, "tensorboard");

    /// <summary>The folder of an epoch's losses and scores, for example <c>epochs/0003</c>; it may not exist yet.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    public string EpochFolder(int epoch) => EpochFolderOf(Path, epoch);

    /// <summary>Where a run's record stands.</summary>
    public static string RecordPathOf(string run) => System.IO.Path.Combine(run, "run.json");

    /// <summary>Where a run's configuration stands.</summary>
    public static string ConfigPathOf(string run) => System.IO.Path.Combine(run, "config.yaml");

    /// <summary>Where a run's journal stands.</summary>
    public static string JournalPathOf(string run) => System.IO.Path.Combine(run, "events.ndjson");

    /// <summary>Where a run's checkpoints stand.</summary>
    public static string CheckpointsPathOf(string run) => System.IO.Path.Combine(run, "checkpoints");

    /// <summary>Where an epoch's losses and scores stand.</summary>
    public static string EpochFolderOf(string run, int epoch) =>
        System.IO.Path.Combine(run, "epochs", epoch.ToString("D4", CultureInfo.InvariantCulture));

    private static string LockPathOf(string run) => System.IO.Path.Combine(run, "lock");

    /// <summary>Whether a folder holds a run.</summary>
    public static bool IsRun(string path) => File.Exists(RecordPathOf(path));

    /// <summary>Reads a run's record, while a process works on it or not.</summary>
    /// <exception cref="RunException">The folder holds no run, or its record can't be read.</exception>
    public static RunRecord ReadRecord(string path)
    {
        string recordPath = RecordPathOf(path);
        try
        {
            return ParseRecord(DurableFile.Read(recordPath), path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RunException(ExitCode.Configuration, "RunNotFound", $"'{path}' holds no run: there is no '{recordPath}'.", path, exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RunException(ExitCode.Configuration, "RunRecordNotReadable", $"The record '{recordPath}' can't be read: {exception.Message}", path, exception);
        }
    }

    /// <summary>Reads the content of a run's record.</summary>
    /// <param name="content">The content of <c>run.json</c>.</param>
    /// <param name="path">The run's folder.</param>
    /// <exception cref="RunException">It is damaged, or of a newer version.</exception>
    public static RunRecord ParseRecord(ReadOnlySpan<byte> content, string path)
    {
        string recordPath = RecordPathOf(path);
        try
        {
            RunRecord? record = JsonSerializer.Deserialize(content, RunJson.Default.RunRecord);
            if (record is { Format: <= RunRecord.CurrentFormat, Attempts.Count: > 0 })
                return record;
            string found = record is null or { Attempts.Count: 0 } ? "holds no run" : $"has the format {record.Format}, but this version knows up to {RunRecord.CurrentFormat}";
            throw new RunException(ExitCode.Configuration, "RunRecordNotReadable", $"'{recordPath}' {found}.", path);
        }
        catch (JsonException damaged)
        {
            string where = damaged.LineNumber is { } line ? $" in line {line + 1}" : "";
            throw new RunException(ExitCode.Configuration, "RunRecordNotReadable", $"The record '{recordPath}' is damaged{where}: it is not the JSON that a run writes.", path, damaged);
        }
    }

    /// <summary>Reads a run's configuration.</summary>
    /// <exception cref="RunException">It is missing or can't be read.</exception>
    public static T ReadConfig<T>(string path)
        where T : IRunConfiguration, new() => ConfigurationReader.Read<T>(ConfigPathOf(path), []);

    /// <summary>Checks whether <see cref="Open{T}"/> would refuse, and creates and changes nothing.</summary>
    /// <returns>The record of the run that the folder holds, or null where a new one would begin.</returns>
    /// <exception cref="RunException">
    /// The path is a file, the folder holds something else, another configuration, or a run that a live process works on, or
    /// <paramref name="resume"/> doesn't fit what it holds.
    /// </exception>
    public static RunRecord? Check<T>(string path, T config, ResumeMode resume)
        where T : IRunConfiguration, new() => CheckFolder(path, config, resume, data: null, isLocked: false);

    /// <summary>Checks whether a run would take a configuration to go on with, while a process works on it or not. The data are not looked at.</summary>
    /// <exception cref="RunException">The folder holds no run, its record can't be read, or a key changes on which the run's bits depend.</exception>
    public static void CheckConfiguration<T>(string path, T config)
        where T : IRunConfiguration, new() => ResumedConfiguration.Compare(path, ReadRecord(path), config, data: null);

    /// <summary>The heartbeat of the process at work on a run, a number to be compared only: while it lives it grows every few seconds. 0 where there is none.</summary>
    public static long ReadHeartbeat(string path) => RunLock.ReadBeats(LockPathOf(path));

    /// <summary>Checks what needs no configuration: that a path holds a run, or can become one.</summary>
    /// <returns>Whether it holds a run.</returns>
    /// <exception cref="RunException">The path is a file, the folder holds something else, or no run although <paramref name="resume"/> asks for one.</exception>
    public static bool CheckPath(string path, ResumeMode resume)
    {
        path = WritablePath.Full(path);
        if (File.Exists(path))
            throw Refusal("RunPathIsFile", $"The run path '{path}' is a file; a folder is expected.", path);
        if (IsRun(path))
            return true;
        for (string? at = System.IO.Path.GetDirectoryName(path); at is not null; at = System.IO.Path.GetDirectoryName(at))
        {
            if (File.Exists(at))
                throw Refusal("RunPathNotWritable", $"The folder '{path}' can't be made: '{at}' is a file.", path);
        }

        if (Directory.Exists(path) && Contents(path).FirstOrDefault() is { } found)
            throw Refusal("RunPathNotEmpty", $"The run path '{path}' holds no run, but other things, as '{found}'; an empty or a new folder is expected.", path);
        if (resume == ResumeMode.Require)
            throw NoRunAt(path, "to go on with");
        return false;
    }

    /// <summary>Says that there is no run at a path, and which one beside it has the nearest name.</summary>
    /// <param name="path">The path.</param>
    /// <param name="purpose">What it is wanted for, as the end of a sentence.</param>
    public static RunException NoRunAt(string path, string purpose)
    {
        path = System.IO.Path.GetFullPath(path);
        string? parent = System.IO.Path.GetDirectoryName(path);
        string[] runs = Directory.Exists(parent) ? [.. Directory.EnumerateDirectories(parent).Where(IsRun).Select(run => System.IO.Path.GetFileName(run)!)] : [];
        string end = NearestName.Of(System.IO.Path.GetFileName(path), runs) is { } nearest ? $"; did you mean '{System.IO.Path.Combine(parent!, nearest)}'?" : ".";
        return Refusal("RunNotFound", $"There is no run at '{path}' {purpose}{end}", path);
    }

    // Whoever holds the lock works on the run; what the record says of its process is only a first guess.
    private static RunRecord? CheckFolder<T>(string path, T config, ResumeMode resume, IReadOnlyList<SplitRecord>? data, bool isLocked)
        where T : IRunConfiguration, new()
    {
        path = System.IO.Path.GetFullPath(path);
        if (!CheckPath(path, resume))
            return null;
        RunRecord record = ReadRecord(path);
        if (!isLocked && record.State == RunState.Running && record.Process != ProcessIdentity.Current && record.Process.IsAlive() == true)
            throw InUse(path, record);
        if (resume == ResumeMode.Never)
            throw Refusal("RunExists", $"The run path '{path}' holds the run '{record.Name}' already; go on with it by --resume auto, or name another folder.", path);
        ResumedConfiguration.Compare(path, record, config, data);
        return record;
    }

    /// <summary>Opens a run's folder, and creates it where it isn't there.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="resume">Whether a run may or must be there.</param>
    /// <param name="versions">What computes.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="data">What each split of the data holds; null where nobody knows. With it the run may go on under another data.path.</param>
    /// <exception cref="RunException">As <see cref="Check{T}"/>; or the folder can't be written: then what was created is removed again.</exception>
    public static RunFolder Open<T>(
        string path, T config, ResumeMode resume, RunVersions versions, TimeProvider? time = null, IReadOnlyList<SplitRecord>? data = null)
        where T : IRunConfiguration, new() =>
        OpenFolder(path, config, resume, versions, time ?? TimeProvider.System, data, mustBeNew: false);

    /// <summary>Creates a run in the first of some folders that nobody else has, of several processes that try at once, too.</summary>
    /// <param name="candidates">The folders.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="versions">What computes.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="data">As in <see cref="Open{T}"/>.</param>
    /// <exception cref="RunException">The folder can't be written: then what was created is removed again.</exception>
    public static RunFolder Create<T>(
        IEnumerable<string> candidates, T config, RunVersions versions, TimeProvider? time = null, IReadOnlyList<SplitRecord>? data = null)
        where T : IRunConfiguration, new()
    {
        foreach (string path in candidates.Where(candidate => !System.IO.Path.Exists(candidate)))
        {
            try
            {
                return OpenFolder(path, config, ResumeMode.Never, versions, time ?? TimeProvider.System, data, mustBeNew: true);
            }
            catch (RunException taken) when (taken.ErrorId is "RunInUse" or "RunExists" or "RunPathNotEmpty" or "RunPathIsFile")
            {
                // Another process was faster.
            }
        }

        throw new ArgumentException("Every folder is taken.", nameof(candidates));
    }

    private static RunFolder OpenFolder<T>(
        string path, T config, ResumeMode resume, RunVersions versions, TimeProvider clock, IReadOnlyList<SplitRecord>? data, bool mustBeNew)
        where T : IRunConfiguration, new()
    {
        path = System.IO.Path.GetFullPath(path);
        if (CheckFolder(path, config, resume, data, isLocked: false) is { } found)
            WatchOtherMachine(path, found);
        CreationRollback created = new();
        RunLock? held = null;
        RunFolder run;
        try
        {
            created.AddFolder(path);
            bool wasThere = File.Exists(LockPathOf(path));
            held = TakeLock(path, mustBeNew);
            if (!wasThere)
                created.AddFile(LockPathOf(path));

            // What was checked may have changed before the lock was taken.
            RunRecord? previous = CheckFolder(path, config, resume, data, isLocked: held.KeepsOthersOut);
            IReadOnlyList<ConfigurationDifference> changes = previous is null ? [] : ResumedConfiguration.Compare(path, previous, config, data);
            RunRecord record = previous is null ? NewRecord(config, versions, clock) : NextAttempt(RunCost.WithLastWords(previous, path), config, versions, clock);
            record = record with { Data = data ?? record.Data };
            if (previous is null)
            {
                created.AddFile(RecordPathOf(path));
                created.AddFile(ConfigPathOf(path));
            }

            string? formerConfiguration = changes.Count > 0 ? File.ReadAllText(ConfigPathOf(path)) : null;

            // On a kill between the two, the configuration's file says what the record's digest doesn't yet.
            if (changes.Count > 0)
                DurableFile.Write(ConfigPathOf(path), ConfigurationWriter.Write(config));
            WriteRecord(path, record);
            if (!File.Exists(ConfigPathOf(path)))
                DurableFile.Write(ConfigPathOf(path), ConfigurationWriter.Write(config));
            created.AddFolder(System.IO.Path.Combine(path, "epochs"));
            created.AddFolder(CheckpointsPathOf(path));
            DurableFile.DeleteLeftovers(path);
            run = new RunFolder(path, held, record, clock, isResumed: previous is not null)
            {
                Changes = changes,
                Former = previous is null ? null : (previous, formerConfiguration),
                DataDifference = previous is null || data is null ? null : ResumedConfiguration.DataDifference(previous, data),
            };
        }
        catch (Exception exception)
        {
            // Where that can be done while the lock is held, nobody can have taken it in between.
            if (!OperatingSystem.IsWindows())
                created.Remove();
            held?.Dispose();
            if (OperatingSystem.IsWindows())
                created.Remove();
            if (exception is IOException or UnauthorizedAccessException)
                throw new RunException(ExitCode.Configuration, StorageError.IdOf(exception, "RunPathNotWritable"), $"The run path '{path}' can't be written: {StorageError.Describe(exception)}", path, exception);
            throw;
        }

        if (!run.IsLocked)
            run.Settle();
        return run;
    }

    /// <summary>Changes the record, in memory and on disk. Safe to call from any thread.</summary>
    /// <exception cref="IOException">The disk refuses; the record on disk is the one before.</exception>
    /// <exception cref="RunException">The folder is gone; or the file system has no locks, and another process has taken over the run.</exception>
    public void Update(Func<RunRecord, RunRecord> change)
    {
        lock (_recordGate)
        {
            CheckPresence();
            if (!IsLocked)
                CheckOwnership();
            RunRecord record = change(Timed(_record)) with { Updated = _time.GetUtcNow() };
            WriteRecord(Path, record);
            _record = record;
        }
    }

    /// <summary>
    /// Makes sure that the folder is still there. One that was deleted under a training must not be made again by what is written next:
    /// without its record and its configuration nothing could go on with it. A disk that can't be read for a while is not gone.
    /// </summary>
    /// <exception cref="RunException">It is gone.</exception>
    public void CheckPresence()
    {
        lock (_recordGate)
        {
            try
            {
                File.GetAttributes(RecordPath);
            }
            catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
            {
                string reason = OperatingSystem.IsWindows() && WritablePath.MissingRootOf(Path) is { } root ? WritablePath.Absence(root) : "it was deleted or moved while the training was at work";
                throw new RunException(ExitCode.Unexpected, "RunFolderGone", $"The run's folder '{Path}' is gone: {reason}; the training therefore ends.", Path, absent);
            }
        }
    }

    /// <summary>Puts back what stood here before this process opened the run, where it has not begun to train.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void TakeBack()
    {
        if (Former is not { } former)
            throw new InvalidOperationException("The run is new.");
        lock (_recordGate)
        {
            if (former.Configuration is { } configuration)
                DurableFile.Write(ConfigPath, configuration);
            WriteRecord(Path, former.Record);
            _record = former.Record;
        }
    }

    /// <summary>Lets other processes open the run.</summary>
    public void Dispose() => _lock.Dispose();

    // How long this process has worked on the run is measured, since the clock may be set while it does.
    private RunRecord Timed(RunRecord record) => record with
    {
        Attempts = [.. record.Attempts.SkipLast(1), record.Attempts[^1] with { DurationSeconds = _time.GetElapsedTime(_opened).TotalSeconds }],
    };

    // The lock is on a file of its own, since run.json is replaced by renaming.
    private static RunLock TakeLock(string path, bool mustBeNew)
    {
        try
        {
            return RunLock.Take(LockPathOf(path), mustBeNew);
        }
        catch (IOException exception) when (StorageError.IsSharingViolation(exception) || (mustBeNew && File.Exists(LockPathOf(path))))
        {
            throw InUse(path, IsRun(path) ? ReadRecord(path) : null);
        }
    }

    // Locks of many network file systems hold on one machine only. Whether a process of another machine lives, its heartbeat tells, and it
    // tells without a clock: the two machines' may differ.
    private static void WatchOtherMachine(string path, RunRecord record)
    {
        if (record.State != RunState.Running || record.Process.IsAlive() is not null)
            return;
        long beats = RunLock.ReadBeats(LockPathOf(path));
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < BeatsAwaited * RunLock.BeatInterval; Thread.Sleep(s_look))
        {
            RunRecord now = ReadRecord(path);
            if (now.Updated != record.Updated || RunLock.ReadBeats(LockPathOf(path)) != beats)
                throw InUse(path, now);
        }
    }

    // Of several processes that have written the record at the same time, one was last, and has the run. The others leave all as it is.
    private void Settle()
    {
        Thread.Sleep(4 * s_look);
        try
        {
            CheckOwnership();
        }
        catch (RunException)
        {
            Dispose();
            throw;
        }
    }

    private void CheckOwnership()
    {
        RunRecord written = ReadRecord(Path);
        if (written.Process != _record.Process)
            throw InUse(Path, written);
    }

    private static RunException InUse(string path, RunRecord? record)
    {
        string holder = record is null ? "Another process" : $"Process {record.Process.ProcessId} on {record.Process.Host}";
        return Refusal("RunInUse", $"{holder} works on the run at '{path}'; wait until it has ended, or stop it.", path);
    }

    // A kill between the folder and run.json leaves the lock and perhaps a temporary file: that is still an empty folder.
    private static IEnumerable<string> Contents(string path) => Directory.EnumerateFileSystemEntries(path)
        .Select(entry => System.IO.Path.GetFileName(entry)!)
        .Where(name => name != "lock" && !(name.StartsWith("run.json.", StringComparison.Ordinal) && name.EndsWith(DurableFile.TemporarySuffix, StringComparison.Ordinal)))
        .Order(StringComparer.Ordinal);

    private static RunRecord NewRecord<T>(T config, RunVersions versions, TimeProvider time)
        where T : IRunConfiguration, new()
    {
        DateTimeOffset now = time.GetUtcNow();
        return new RunRecord
        {
            Id = $"{now.ToString("yyyyMMdd'T'HHmmss", CultureInfo.InvariantCulture)}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}",
            Name = config.Name,
            State = RunState.Running,
            Process = ProcessIdentity.Current,
            WorkingDirectory = Environment.CurrentDirectory,
            GitCommit = GitCommit.Of(Environment.CurrentDirectory),
            Versions = versions,
            ConfigurationDigest = ConfigurationWriter.Digest(config),
            Started = now,
            Updated = now,
            Epochs = config.Epochs,
            BestMetric = config.BestMetric,
            Task = config.Task,
            ScoreNames = config.ScoreNames,
            Attempts = [new RunAttempt { Process = ProcessIdentity.Current, Started = now, State = RunState.Running }],
        };
    }

    private static RunRecord NextAttempt<T>(RunRecord previous, T config, RunVersions versions, TimeProvider time)
        where T : IRunConfiguration, new()
    {
        DateTimeOffset now = time.GetUtcNow();
        IEnumerable<RunAttempt> ended = previous.Attempts
            .Select(attempt => attempt.State == RunState.Running ? attempt with { State = RunState.Interrupted } : attempt);
        return previous with
        {
            Name = config.Name,
            Epochs = config.Epochs,
            Task = config.Task,
            ScoreNames = config.ScoreNames,
            TestScores = config.Epochs > previous.Epochs ? null : previous.TestScores,
            ConfigurationDigest = ConfigurationWriter.Digest(config),
            State = RunState.Running,
            ExitCode = null,
            Error = null,
            ErrorId = null,
            Ended = null,
            Process = ProcessIdentity.Current,
            WorkingDirectory = Environment.CurrentDirectory,
            GitCommit = GitCommit.Of(Environment.CurrentDirectory),
            Versions = versions,
            Updated = now,

            // It may go on with other ranks, or with one.
            SlowestRank = null,
            Attempts = [.. ended, new RunAttempt { Process = ProcessIdentity.Current, Started = now, State = RunState.Running }],
        };
    }

    private static void WriteRecord(string path, RunRecord record)
    {
        ArrayBufferWriter<byte> text = new();
        RunJson.Write(text, record, RunJson.Default.RunRecord, indented: true);
        text.Write("\n"u8);
        DurableFile.Write(RecordPathOf(path), text.WrittenSpan);
    }

    private static RunException Refusal(string errorId, string message, string path) => new(ExitCode.Configuration, errorId, message, path);
}

/// <summary>Compares the configuration and the data with which a run was begun with those with which it is to go on.</summary>
internal static class ResumedConfiguration
{
    private const string DataPathKey = "data.path";
    private const string EpochsKey = "trainer.epochs";

    /// <summary>Finds what changes.</summary>
    /// <param name="path">The run's folder.</param>
    /// <param name="record">The run's record.</param>
    /// <param name="config">The configuration with which it is to go on.</param>
    /// <param name="data">The data with which it is to go on; null where they are not open yet.</param>
    /// <returns>
    /// The keys that change and may: those of which no bit depends (<see cref="FreeOnResumeAttribute"/>), the data's path where names and sizes are
    /// the same there, and the number of epochs where those that are done would have been the same with it.
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
        string? epochs = EpochsBound(record, config);
        ConfigurationDifference[] bound = [.. differences.Where(difference => difference.Path == EpochsKey ? epochs is not null : !IsFree<T>(difference.Path, record))];
        if (bound.Length > 0)
        {
            string differing = string.Join(", ", bound.Select(difference => $"{difference.Path} is {difference.Left} there and {difference.Right} here{(difference.Path == EpochsKey ? $" ({epochs})" : "")}"));
            throw Refusal(path, $": {differing}", bound is [{ Path: EpochsKey }] ? "; a new run can begin from its weights, by --set trainer.start_from=..." : null);
        }

        if (data is not null && differences.FirstOrDefault(difference => difference.Path == DataPathKey) is { } moved && DataDifference(record, data) is { } other)
            throw Refusal(path, $": its data were at {moved.Left}, and those at {moved.Right} are others: {other}");
        return differences;
    }

    /// <summary>What is other about the data than when the run was last at work, as the end of a sentence; null where nothing is, or nobody knows.</summary>
    public static string? DataDifference(RunRecord record, IReadOnlyList<SplitRecord> data) => record.Data is not { } former || former.SequenceEqual(data) ? null
        : string.Join(", ", former.Zip(data).Where(pair => pair.First != pair.Second).Select(pair => Describe(pair.First, pair.Second)));

    // Why the number of epochs may not become another; null where it may.
    private static string? EpochsBound<T>(RunRecord record, T config)
        where T : IRunConfiguration
    {
        if (config.EpochsBound is { } reason)
            return reason;
        if (record.State == RunState.Finished && record.EpochsDone < record.Epochs)
            return string.Create(CultureInfo.InvariantCulture, $"it has ended early, after {Counted.Of(record.EpochsDone, "epoch")}");
        return config.Epochs < record.EpochsDone ? string.Create(CultureInfo.InvariantCulture, $"it has done {Counted.Of(record.EpochsDone, "epoch")}") : null;
    }

    // What the record doesn't know of its data can't be compared.
    private static bool IsFree<T>(string key, RunRecord record)
        where T : new() => ConfigurationSchema<T>.Find(key)!.IsFreeOnResume || (key == DataPathKey && record.Data is not null);

    private static string Describe(SplitRecord former, SplitRecord now) =>
        (former.Samples, former.Bytes) == (now.Samples, now.Bytes)
            ? $"the {former.Split} split has other names or sizes"
            : string.Create(CultureInfo.InvariantCulture, $"the {former.Split} split had {Counted.Of(former.Samples, "sample")} of {former.Bytes} bytes and has {now.Samples} of {now.Bytes}");

    private static RunException Refusal(string path, string differing, string? way = null) => new(
        ExitCode.Configuration, "RunConfigurationDiffers", $"The run at '{path}' was begun with another configuration{differing}{way ?? "; name another folder for this one"}.", path);
}

/// <summary>Remembers what was created, so that a failure can leave things as they were.</summary>
internal sealed class CreationRollback
{
    private readonly Stack<string> _folders = [];
    private readonly Stack<string> _files = [];

    /// <summary>Creates a folder with its parents, and remembers those that were not there.</summary>
    public void AddFolder(string path)
    {
        Stack<string> missing = [];
        for (string? at = path; at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at))
            missing.Push(at);
        foreach (string folder in missing)
        {
            try
            {
                Directory.CreateDirectory(folder);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException && !StorageError.IsNoSpaceLeft(exception))
            {
                throw new RunException(ExitCode.Configuration, "RunPathNotWritable", $"The folder '{folder}' can't be made: {ReasonOf(exception, folder)}", folder, exception);
            }

            _folders.Push(folder);
        }
    }

    // .NET says of a file system that makes no folders (/proc) that a file is missing.
    private static string ReasonOf(Exception exception, string folder)
    {
        if (File.Exists(folder))
            return $"'{folder}' is a file.";
        return exception is FileNotFoundException or DirectoryNotFoundException && Path.GetDirectoryName(folder) is { } parent && Directory.Exists(parent)
            ? $"'{parent}' takes no new folders."
            : StorageError.Describe(exception);
    }

    /// <summary>Remembers a file that is about to be created.</summary>
    public void AddFile(string path) => _files.Push(path);

    /// <summary>Removes what was created, as far as nobody has put anything else into it.</summary>
    public void Remove()
    {
        foreach (string file in _files)
            File.Delete(file);
        foreach (string folder in _folders.Where(folder => Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()))
            Directory.Delete(folder);
    }
}

/// <summary>What to do with a folder that already holds a run.</summary>
public enum ResumeMode
{
    /// <summary>Refuse it.</summary>
    Never,

    /// <summary>Go on with it, or begin a new run where there is none.</summary>
    Auto,

    /// <summary>Go on with it, and refuse a folder that holds none.</summary>
    Require,
}

/// <summary>What a run's record says of its configuration, of which it knows nothing else.</summary>
public interface IRunConfiguration
{
    /// <summary>A name for people.</summary>
    string Name { get; }

    /// <summary>Epochs to train.</summary>
    int Epochs { get; }

    /// <summary>The score that decides which epoch is best.</summary>
    string BestMetric { get; }

    /// <summary>What is learned.</summary>
    string Task { get; }

    /// <summary>The names of the scores that its samples get.</summary>
    IReadOnlyList<string> ScoreNames { get; }

    /// <summary>Why a run can't go on with another number of epochs with the bits that it would have had; null where it can.</summary>
    string? EpochsBound { get; }
}
