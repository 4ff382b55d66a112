using System.Security.Cryptography;
using System.Xml;
using System.Xml.Linq;
using RobustTrain.Platform;

namespace RobustTrain.Runs.Engines;

/// <summary>Where packages are fetched from: a registry that speaks NuGet's protocol, version 3, or a folder.</summary>
public abstract class PackageSource
{
    private const string DefaultFeed = "https://api.nuget.org/v3/index.json";

    /// <summary>Its address or its folder.</summary>
    public abstract string Name { get; }

    /// <summary>Brings a package, checked by its digest.</summary>
    /// <returns>The package's file; null where this source has no such package.</returns>
    /// <exception cref="RunException">The source does not answer, or what it gives is not the package.</exception>
    internal abstract Task<string?> FetchAsync(EnginePackage package, PackageFetch fetch, CancellationToken stopping);

    /// <summary>Says of a package that this source does not have what it has instead.</summary>
    internal virtual string Lacks(EnginePackage package) => $"'{Name}' does not have it";

    /// <summary>The sources that this user's NuGet configuration names, in its order; without one NuGet's own registry, as NuGet itself does.</summary>
    /// <exception cref="RunException">The configuration can't be read, or names none.</exception>
    public static IReadOnlyList<PackageSource> OfThisUser(HttpClient client)
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        string file = OperatingSystem.IsWindows()
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "NuGet", "NuGet.Config")
            : Path.Combine(home, ".nuget", "NuGet", "NuGet.Config");
        return File.Exists(file) ? OfConfiguration(file, client) : [new FeedSource(new Uri(DefaultFeed), client)];
    }

    /// <summary>The sources of a NuGet configuration, in its order.</summary>
    /// <exception cref="RunException">It can't be read, or names none.</exception>
    public static IReadOnlyList<PackageSource> OfConfiguration(string file, HttpClient client)
    {
        XElement root;
        try
        {
            root = XDocument.Parse(DurableFile.ReadText(file)).Root!;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or XmlException)
        {
            throw new RunException(ExitCode.Configuration, "PackageSourceInvalid", $"'{file}' can't be read as NuGet's configuration: {StorageError.Describe(unreadable).TrimEnd('.')}; correct it, or name a source by -Source.", file, unreadable);
        }

        HashSet<string> disabled = [.. Entries(root, "disabledPackageSources").Where(entry => entry.Value.Equals("true", StringComparison.OrdinalIgnoreCase)).Select(entry => entry.Key)];
        PackageSource[] sources = [.. Entries(root, "packageSources").Where(entry => !disabled.Contains(entry.Key)).Select(entry => Of(Environment.ExpandEnvironmentVariables(entry.Value), Path.GetDirectoryName(file)!, client))];
        return sources.Length > 0
            ? sources
            : throw new RunException(ExitCode.Configuration, "PackageSourceNotFound", $"'{file}' names no package source that is enabled; name one by -Source.", file);
    }

    /// <summary>A source by its address or folder.</summary>
    /// <param name="value">An address that begins with http:// or https://, or a folder.</param>
    /// <param name="folder">What a relative folder is relative to.</param>
    /// <param name="client">Asks registries.</param>
    public static PackageSource Of(string value, string folder, HttpClient client) =>
        Uri.TryCreate(value, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https" ? new FeedSource(address, client) : new FolderSource(Path.GetFullPath(value, folder));

    private static IEnumerable<(string Key, string Value)> Entries(XElement root, string section)
    {
        List<(string Key, string Value)> entries = [];
        foreach (XElement element in root.Elements(section).Elements())
        {
            if (element.Name == "clear")
                entries.Clear();
            else if (element.Name == "add" && element.Attribute("value") is { } value)
                entries.Add((element.Attribute("key")?.Value ?? "", value.Value));
        }

        return entries;
    }
}

/// <summary>What fetching needs beside a source.</summary>
/// <param name="Folder">Where a package is kept while it is fetched.</param>
/// <param name="Report">Told how far it is.</param>
internal sealed record PackageFetch(string Folder, Func<EngineProgress, Task> Report)
{
    /// <summary>How long a registry may send nothing.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The pause before a broken connection is made again; it doubles each time in a row.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Checks a package's file.</summary>
    /// <param name="package">The package.</param>
    /// <param name="digest">Its SHA-512, in base64.</param>
    /// <param name="path">The file.</param>
    /// <param name="from">Where it comes from.</param>
    /// <param name="advice">What to do where it is another one.</param>
    /// <param name="stopping">Ends it.</param>
    /// <exception cref="RunException">It is another one.</exception>
    public static void Check(EnginePackage package, string digest, string path, string from, string advice, CancellationToken stopping)
    {
        string found = Convert.ToBase64String(EngineFile.Digest(path, HashAlgorithmName.SHA512, stopping));
        if (found != digest)
            throw new RunException(ExitCode.Configuration, "PackageDamaged", $"'{from}' is damaged or not {package.Id} {package.Version}: its SHA-512 is {found} and not {digest}; {advice}.", from);
    }
}

/// <summary>How far an installation is.</summary>
/// <param name="Phase">What is being done.</param>
/// <param name="Subject">With what: a package, a file.</param>
/// <param name="DoneBytes">How much of it is done.</param>
/// <param name="TotalBytes">How much there is; null where that is not known.</param>
public sealed record EngineProgress(EnginePhase Phase, string Subject, long DoneBytes, long? TotalBytes);

/// <summary>What an installation is doing.</summary>
public enum EnginePhase
{
    /// <summary>A package is fetched.</summary>
    Fetching,

    /// <summary>A package is unpacked.</summary>
    Unpacking,
}

/// <summary>A folder with packages: files of its own, or folders for each package and version, as NuGet's caches have them.</summary>
/// <param name="folder">The folder.</param>
public sealed class FolderSource(string folder) : PackageSource
{
    /// <inheritdoc/>
    public override string Name => folder;

    /// <inheritdoc/>
    internal override Task<string?> FetchAsync(EnginePackage package, PackageFetch fetch, CancellationToken stopping)
    {
        if (!Directory.Exists(folder))
            throw new RunException(ExitCode.Configuration, "PackageSourceNotFound", $"There is no folder '{folder}'; expected one with {package.FileName}, or the address of a registry that ends in index.json.", folder);
        if (Files(package.Id).FirstOrDefault(file => Path.GetFileName(file).Equals(package.FileName, StringComparison.OrdinalIgnoreCase)) is not { } path)
            return Task.FromResult<string?>(null);

        PackageFetch.Check(package, package.Sha512 ?? DigestBeside(package, path), path, path, "copy it again from where it was fetched", stopping);
        return Task.FromResult<string?>(path);
    }

    /// <inheritdoc/>
    internal override string Lacks(EnginePackage package)
    {
        string[] others = [.. Files(package.Id).Select(file => Path.GetFileName(file))];
        return $"'{folder}' has no {package.FileName}{(others.Length > 0 ? $", only {string.Join(", ", others)}" : "")}";
    }

    private static string DigestBeside(EnginePackage package, string path)
    {
        string file = path + ".sha512";
        return File.Exists(file)
            ? DurableFile.ReadText(file).Trim()
            : throw new RunException(ExitCode.Configuration, "PackageDigestNotFound", $"There is nothing to check '{path}' by: the module knows no digest of {package.Id} {package.Version}, and there is no '{file}', as NuGet writes it, with the SHA-512 that the registry names, in base64.", path);
    }

    // Versions of a package; other packages' names may go on after its id.
    private IEnumerable<string> Files(string id) =>
        new[] { folder, Path.Combine(folder, id.ToLowerInvariant()) }.Where(Directory.Exists)
            .SelectMany(place => Directory.EnumerateFiles(place, "*.nupkg", new EnumerationOptions { RecurseSubdirectories = place != folder }))
            .Where(file => Path.GetFileName(file) is var name && name.StartsWith(id + ".", StringComparison.OrdinalIgnoreCase) && char.IsAsciiDigit(name[id.Length + 1]))
            .Order(StringComparer.Ordinal);
}
