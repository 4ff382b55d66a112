using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Platform;

namespace RobustTrain.Runs.Engines;

/// <summary>The engines that are installed for a user: a folder for each version and device, which is there whole or not at all.</summary>
/// <param name="root">The folder that holds them.</param>
public sealed class EngineStore(string root)
{
    internal const string RecordFile = "engine.json";

    /// <summary>The folder that holds them.</summary>
    public string Root => root;

    /// <summary>Where packages are kept while they are fetched.</summary>
    internal string Downloads => Path.Combine(root, "downloads");

    private string Engines => Path.Combine(root, "libtorch");

    /// <summary>This user's: $XDG_DATA_HOME/RobustTrain or ~/.local/share/RobustTrain, %LOCALAPPDATA%\RobustTrain on Windows.</summary>
    public static EngineStore OfThisUser() =>
        new(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "RobustTrain"));

    /// <summary>The folder of an engine, whether it is there or not.</summary>
    public string FolderOf(string version, EngineDevice device) => Path.Combine(Engines, $"{version}-{device.ToString().ToLowerInvariant()}");

    /// <summary>The engine of a version; the one for CUDA, which computes on the CPU too, where both are there. Null where neither is.</summary>
    /// <exception cref="RunException">Its record can't be read.</exception>
    public InstalledEngine? Find(string version) => Find(version, EngineDevice.Cuda) ?? Find(version, EngineDevice.Cpu);

    /// <summary>The engine of a version for a device; null where it is not there.</summary>
    /// <exception cref="RunException">Its record can't be read.</exception>
    public InstalledEngine? Find(string version, EngineDevice device) => InstalledEngine.Read(FolderOf(version, device));

    /// <summary>All engines.</summary>
    /// <exception cref="RunException">The record of one can't be read.</exception>
    public IReadOnlyList<InstalledEngine> Installed() => !Directory.Exists(Engines)
        ? []
        : [.. Directory.EnumerateDirectories(Engines).Where(folder => !IsTemporary(folder)).Order(StringComparer.Ordinal).Select(InstalledEngine.Read).OfType<InstalledEngine>()];

    /// <summary>Removes an engine.</summary>
    /// <exception cref="RunException">Another process installs or removes one, or the disk refuses.</exception>
    public void Remove(InstalledEngine engine)
    {
        using (Lock())
        {
            string condemned = TemporaryBeside(engine.Path);
            try
            {
                DurableFile.MoveFolder(engine.Path, condemned);
                DurableFile.DeleteFolder(condemned);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                throw new RunException(ExitCode.Unexpected, "EngineNotRemoved", $"The engine in '{engine.Path}' could not be removed: {StorageError.Describe(refused).TrimEnd('.')}; a training may be using it.", engine.Path, refused);
            }
        }

        DeleteRest();
    }

    /// <summary>Deletes what killed installations have left, and packages that were fetched in part; nothing of the folder stays where no engine is in it.</summary>
    /// <exception cref="RunException">Another process installs or removes an engine, or the disk refuses.</exception>
    public void DeleteRest()
    {
        if (!Directory.Exists(root))
            return;
        using (Lock())
        {
            Reported(() =>
            {
                if (Directory.Exists(Downloads))
                    DurableFile.DeleteFolder(Downloads);
                DeleteLeftovers();
                if (Directory.Exists(Engines) && !Directory.EnumerateFileSystemEntries(Engines).Any())
                    Directory.Delete(Engines);
            });
        }

        // Only the lock is left; who takes it now makes the folder again.
        if (!Directory.Exists(Engines))
            Reported(() => DurableFile.DeleteFolder(root));
    }

    /// <summary>Keeps other processes from installing and removing.</summary>
    /// <exception cref="RunException">Another process has the lock, or the disk refuses.</exception>
    internal IDisposable Lock()
    {
        if (!Path.IsPathFullyQualified(root))
            throw new RunException(ExitCode.Configuration, "EngineFolderNotFound", "This user has no home folder, in which the engine would be kept; set HOME or XDG_DATA_HOME.", root);
        try
        {
            Directory.CreateDirectory(root);
            return new FileStream(Path.Combine(root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException held) when (StorageError.IsSharingViolation(held))
        {
            throw new RunException(ExitCode.Configuration, "EngineBusy", $"Another process installs or removes an engine in '{root}'; wait until it has ended.", root, held);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(refused);
        }
    }

    /// <summary>A name beside a folder that nobody else takes.</summary>
    internal static string TemporaryBeside(string folder) => $"{folder}.{Environment.ProcessId}{DurableFile.TemporarySuffix}";

    /// <summary>Deletes the folders that killed installations have left; to be called with the lock.</summary>
    internal void DeleteLeftovers()
    {
        if (!Directory.Exists(Engines))
            return;
        foreach (string folder in Directory.EnumerateDirectories(Engines).Where(IsTemporary).ToArray())
            DurableFile.DeleteFolder(folder);
    }

    /// <summary>Says what the disk refuses.</summary>
    internal RunException NotWritten(Exception refused) =>
        new(ExitCode.Unexpected, StorageError.IdOf(refused, "EngineNotWritten"), $"'{root}' could not be written: {StorageError.Describe(refused).TrimEnd('.')}.", root, refused);

    private static bool IsTemporary(string folder) => folder.EndsWith(DurableFile.TemporarySuffix, StringComparison.Ordinal);

    private void Reported(Action change)
    {
        try
        {
            change();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(refused);
        }
    }
}

/// <summary>An engine as it is recorded in its folder.</summary>
public sealed record InstalledEngine
{
    /// <summary>The folder.</summary>
    [JsonIgnore]
    public string Path { get; private init; } = "";

    /// <summary>The version of libtorch.</summary>
    public required string Version { get; init; }

    /// <summary>What it computes on.</summary>
    public required EngineDevice Device { get; init; }

    /// <summary>The packages that it was unpacked from.</summary>
    public required IReadOnlyList<string> Packages { get; init; }

    /// <summary>Its files.</summary>
    public required IReadOnlyList<EngineFile> Files { get; init; }

    /// <summary>Says what is wrong with its files; empty where they are whole.</summary>
    /// <param name="digests">Whether every byte is read; else lengths are compared.</param>
    /// <param name="stopping">Ends reading.</param>
    public IReadOnlyList<string> Problems(bool digests, CancellationToken stopping) => [.. Files.Select(file => ProblemOf(file, digests, stopping)).OfType<string>()];

    internal static InstalledEngine? Read(string folder)
    {
        string path = System.IO.Path.Combine(folder, EngineStore.RecordFile);
        if (!File.Exists(path))
            return null;
        try
        {
            return JsonSerializer.Deserialize(DurableFile.Read(path), EngineJson.Default.InstalledEngine)! with { Path = folder };
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new RunException(ExitCode.Configuration, "EngineRecordInvalid", $"'{path}' can't be read as the record of an engine: {StorageError.Describe(unreadable).TrimEnd('.')}; delete that folder and install the engine again.", path, unreadable);
        }
    }

    internal InstalledEngine Write(string folder)
    {
        DurableFile.Write(System.IO.Path.Combine(folder, EngineStore.RecordFile), JsonSerializer.SerializeToUtf8Bytes(this, EngineJson.Default.InstalledEngine));
        return this;
    }

    internal InstalledEngine At(string folder) => this with { Path = folder };

    private string? ProblemOf(EngineFile file, bool digests, CancellationToken stopping)
    {
        string path = System.IO.Path.Combine(Path, file.Name);
        if (!File.Exists(path))
            return $"'{path}' is missing.";
        long bytes = new FileInfo(path).Length;
        if (bytes != file.Bytes)
            return $"'{path}' has {bytes} bytes instead of {file.Bytes}.";
        return digests && EngineFile.Digest(path, HashAlgorithmName.SHA256, stopping) is var digest && Convert.ToHexStringLower(digest) != file.Sha256 ? $"'{path}' is damaged: its SHA-256 is not the one that was unpacked." : null;
    }
}

/// <summary>A file of an engine.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Its SHA-256, in hexadecimal.</param>
public sealed record EngineFile(string Name, long Bytes, string Sha256)
{
    private const int BlockBytes = 1 << 20;

    internal static byte[] Digest(string path, HashAlgorithmName algorithm, CancellationToken stopping, Action<long>? read = null)
    {
        using var hash = IncrementalHash.CreateHash(algorithm);
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        byte[] block = new byte[BlockBytes];
        for (int count; (count = file.Read(block)) > 0; read?.Invoke(file.Position))
        {
            stopping.ThrowIfCancellationRequested();
            hash.AppendData(block, 0, count);
        }

        return hash.GetHashAndReset();
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(InstalledEngine))]
internal sealed partial class EngineJson : JsonSerializerContext;
