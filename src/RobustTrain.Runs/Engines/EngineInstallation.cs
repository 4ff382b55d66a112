using System.IO.Compression;
using System.Security.Cryptography;
using RobustTrain.Platform;

namespace RobustTrain.Runs.Engines;

/// <summary>Brings an engine into a store: fetches its packages, checks them, unpacks what is needed beside its folder, and gives it its name when it is whole.</summary>
/// <param name="release">The engine.</param>
/// <param name="store">Where it is kept.</param>
/// <param name="sources">Where its packages are fetched from; the first that has one is taken.</param>
public sealed class EngineInstallation(EngineRelease release, EngineStore store, IReadOnlyList<PackageSource> sources)
{
    private const string License = "LICENSE-LIBTORCH.txt";
    private const string DigestSuffix = ".sha";
    private const int BlockBytes = 1 << 20;

    /// <summary>How long a registry may send nothing, and the pause before a broken connection is made again.</summary>
    internal (TimeSpan Silence, TimeSpan Pause)? Patience { get; init; }

    /// <summary>Installs it, in the place of one that is there. Packages that were fetched, also in part, stay until it is installed.</summary>
    /// <param name="report">Told how far it is; called often.</param>
    /// <param name="stopping">Ends it; what was fetched stays, what was unpacked goes.</param>
    /// <exception cref="RunException">It could not be installed; an engine that was there is as it was.</exception>
    public async Task<InstalledEngine> InstallAsync(Func<EngineProgress, Task> report, CancellationToken stopping)
    {
        using IDisposable held = store.Lock();
        string folder = store.FolderOf(release.Version, release.Device);
        string unpacked = EngineStore.TemporaryBeside(folder);
        try
        {
            store.DeleteLeftovers();
            if (release.UnpackedBytes is { } needed)
                DiskRoom.Check(store.Root, needed, $"libtorch {release.Version}");

            Directory.CreateDirectory(store.Downloads);
            PackageFetch fetch = new(store.Downloads, report);
            if (Patience is { } patience)
                fetch = fetch with { Silence = patience.Silence, Pause = patience.Pause };
            List<string> files = [];
            foreach (EnginePackage package in release.Packages)
                files.Add(await FetchAsync(package, fetch, stopping));

            Directory.CreateDirectory(unpacked);
            Dictionary<string, string> digests = [];
            foreach (string file in files)
                await UnpackAsync(file, unpacked, digests, report, stopping);
            InstalledEngine engine = new InstalledEngine
            {
                Version = release.Version,
                Device = release.Device,
                Packages = [.. release.Packages.Select(package => $"{package.Id} {package.Version}")],
                Files = Check(unpacked, digests, stopping),
            }.Write(unpacked).At(folder);
            Exchange(unpacked, folder);
            DurableFile.DeleteFolder(store.Downloads);
            return engine;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw store.NotWritten(refused);
        }
        finally
        {
            if (Directory.Exists(unpacked))
                DurableFile.DeleteFolder(unpacked);
            if (Directory.Exists(store.Downloads) && !Directory.EnumerateFileSystemEntries(store.Downloads).Any())
                Directory.Delete(store.Downloads);
        }
    }

    private async Task<string> FetchAsync(EnginePackage package, PackageFetch fetch, CancellationToken stopping)
    {
        List<string> tried = [];
        RunException? failure = null;
        foreach (PackageSource source in sources)
        {
            try
            {
                if (await source.FetchAsync(package, fetch, stopping) is { } file)
                    return file;
                tried.Add(source.Lacks(package));
            }
            catch (RunException refused) when (refused.ErrorId is not "NoSpaceLeft")
            {
                // Another source may have it.
                failure ??= refused;
                tried.Add(refused.Message.TrimEnd('.'));
            }
        }

        if (failure is not null && tried.Count == 1)
            throw failure;
        throw new RunException(ExitCode.Configuration, failure?.ErrorId ?? "PackageNotFound", $"{package.Id} {package.Version} could not be fetched: {string.Join("; ", tried)}.", package.Id, failure);
    }

    private async Task UnpackAsync(string package, string folder, Dictionary<string, string> digests, Func<EngineProgress, Task> report, CancellationToken stopping)
    {
        try
        {
            using ZipArchive archive = ZipFile.OpenRead(package);
            ZipArchiveEntry[] entries = [.. archive.Entries.Where(entry => IsNeeded(entry.FullName))];
            long total = entries.Sum(entry => entry.Length), done = 0;
            DiskRoom.Check(folder, total, Path.GetFileName(package));
            byte[] block = new byte[BlockBytes];
            foreach (ZipArchiveEntry entry in entries)
            {
                if (entry.Name.EndsWith(DigestSuffix, StringComparison.Ordinal))
                {
                    using StreamReader text = new(entry.Open());
                    digests[entry.Name[..^DigestSuffix.Length]] = (await text.ReadToEndAsync(stopping)).Trim();
                    continue;
                }

                // A fragment is the rest of the file of its name, whose beginning was unpacked before.
                int fragment = entry.Name.LastIndexOf(".fragment", StringComparison.Ordinal);
                string path = Path.Combine(folder, fragment < 0 ? entry.Name : entry.Name[..fragment]);
                await using Stream packed = entry.Open();
                await using FileStream file = new(path, fragment < 0 ? FileMode.Create : FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
                for (int count; (count = await packed.ReadAsync(block, stopping)) > 0; done += count)
                {
                    file.Write(block, 0, count);
                    await report(new EngineProgress(EnginePhase.Unpacking, Path.GetFileName(package), done, total));
                }

                file.Flush(flushToDisk: true);
            }
        }
        catch (InvalidDataException damaged)
        {
            throw new RunException(ExitCode.Configuration, "PackageDamaged", $"'{package}' can't be unpacked: {damaged.Message.TrimEnd('.')}.", package, damaged);
        }
    }

    private bool IsNeeded(string entry)
    {
        int name = entry.LastIndexOf('/') + 1;
        return entry == License || (entry[..name] is var place && (place == $"runtimes/{release.Runtime}/native/" || place == $"fragments/{release.Runtime}/native/") && name < entry.Length && EngineRelease.IsNeeded(entry[name..]));
    }

    // Every file with its digest, compared where the package names it: of files that came in fragments.
    private List<EngineFile> Check(string folder, Dictionary<string, string> digests, CancellationToken stopping)
    {
        List<EngineFile> files = [];
        foreach (string path in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            EngineFile file = new(Path.GetFileName(path), new FileInfo(path).Length, Convert.ToHexStringLower(EngineFile.Digest(path, HashAlgorithmName.SHA256, stopping)));
            if (digests.TryGetValue(file.Name, out string? expected) && expected != file.Sha256)
                throw new RunException(ExitCode.Configuration, "PackageDamaged", $"{file.Name} is not whole: put together from its fragments it has the SHA-256 {file.Sha256}, and the package names {expected}.", file.Name);
            files.Add(file);
        }

        string[] missing = [.. LibTorchLocation.LibrariesOf(release.Runtime).Where(library => !files.Exists(file => file.Name == library))];
        return missing.Length == 0
            ? files
            : throw new RunException(ExitCode.Configuration, "PackageDamaged", $"The packages of libtorch {release.Version} have no {string.Join(", no ", missing)} for {release.Runtime}.", release.Version);
    }

    // One that is there goes only when the new one has its name.
    private static void Exchange(string unpacked, string folder)
    {
        string old = $"{folder}.old{DurableFile.TemporarySuffix}";
        bool isThere = Directory.Exists(folder);
        if (isThere)
            DurableFile.MoveFolder(folder, old);
        try
        {
            DurableFile.MoveFolder(unpacked, folder);
        }
        catch when (isThere)
        {
            DurableFile.MoveFolder(old, folder);
            throw;
        }

        DurableFile.FlushFolder(Path.GetDirectoryName(folder)!);
        if (isThere)
            DurableFile.DeleteFolder(old);
    }
}

/// <summary>The room on a disk.</summary>
internal static class DiskRoom
{
    private const long Mebibyte = 1 << 20;

    /// <summary>Checks that so many bytes have room in a folder's disk.</summary>
    /// <exception cref="RunException">They have not.</exception>
    public static void Check(string folder, long bytes, string what)
    {
        long free = new DriveInfo(folder).AvailableFreeSpace;
        if (free < bytes)
            throw new RunException(ExitCode.Unexpected, "NoSpaceLeft", $"The disk of '{folder}' has {free / Mebibyte} MiB free, but {what} needs {(bytes + Mebibyte - 1) / Mebibyte} MiB more.", folder);
    }
}
