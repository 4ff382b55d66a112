using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;
using RobustTrain.Runs.Engines;

namespace RobustTrain.Cmdlets.Engines;

/// <summary>Fetches the libtorch that the executable computes with.</summary>
[Cmdlet(VerbsLifecycle.Install, "TrainingEngine", SupportsShouldProcess = true)]
[OutputType(typeof(TrainingEngine))]
public sealed class InstallTrainingEngineCommand : RobustTrainCmdlet
{
    private const double Megabyte = 1e6;
    private static readonly TimeSpan s_progressInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>What it is to compute on.</summary>
    [Parameter(Position = 0)]
    public EngineDevice Device { get; set; }

    /// <summary>A folder with packages, or the address of a registry.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Source { get; set; }

    /// <summary>Logs in to the registry of -Source.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Installs it again.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        if (Credential is not null && !IsAddress(Source))
            throw new RunException(ExitCode.Configuration, "CredentialWithoutEffect", Strings.Format("CredentialWithoutEffect"), Source);
        EngineRelease release = EngineRelease.Of(Device, EngineRelease.ThisRuntime);
        EngineStore store = EngineStore.OfThisUser();
        string folder = store.FolderOf(release.Version, Device);
        if (!Force && IsWhole(store, release))
        {
            await WriteVerboseAsync(Strings.Format("EngineIsThere", release.Version, Device, folder));
            await WriteObjectAsync(TrainingEngine.Read(digests: false, stopping));
            return;
        }

        using HttpClient client = FeedSource.CreateClient();
        IReadOnlyList<PackageSource> sources = await SourcesAsync(client);
        if (!await ShouldProcessAsync(folder, Action(release, sources)))
            return;

        await new EngineInstallation(release, store, sources).InstallAsync(ShowProgress(release), stopping);
        await WriteProgressAsync(new ProgressRecord(1, Activity(release), "done") { RecordType = ProgressRecordType.Completed });
        if (LibTorchLocation.FindOwn(Path.GetDirectoryName(HostExecutable.Expected)!) is { } own)
            await WriteWarningAsync(Strings.Format("OwnLibTorchGoesFirst", own));
        await WriteObjectAsync(TrainingEngine.Read(digests: false, stopping));
    }

    // A record that can't be read is a reason to install it again.
    private static bool IsWhole(EngineStore store, EngineRelease release)
    {
        try
        {
            return store.Find(release.Version, release.Device) is { } installed && installed.Problems(digests: false, CancellationToken.None).Count == 0;
        }
        catch (RunException damaged) when (damaged.ErrorId == "EngineRecordInvalid")
        {
            return false;
        }
    }

    private async Task<IReadOnlyList<PackageSource>> SourcesAsync(HttpClient client)
    {
        if (Source is null)
            return PackageSource.OfThisUser(client);
        if (IsAddress(Source))
            return [new FeedSource(new Uri(Source), client) { Credential = Credential?.GetNetworkCredential() }];
        return [new FolderSource(await ResolvePathAsync(Source))];
    }

    private static bool IsAddress(string? source) => Uri.TryCreate(source, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https";

    private static string Action(EngineRelease release, IReadOnlyList<PackageSource> sources)
    {
        long? bytes = release.Packages.Sum(package => package.Bytes) is var known && release.Packages.All(package => package.Bytes is not null) ? known : null;
        string packages = release.Packages.Count == 1 ? release.Packages[0].Id : $"{release.Packages[0].Id} and {release.Packages.Count - 1} more";
        string size = bytes is null || release.UnpackedBytes is null ? "" : Strings.Format("InstallEngineSize", Megabytes(bytes.Value), Megabytes(release.UnpackedBytes.Value));
        return Strings.Format("InstallEngineAction", packages, release.Version, string.Join(", ", sources.Select(source => source.Name)), size);
    }

    private static string Activity(EngineRelease release) => Strings.Format("InstallEngineActivity", release.Version, release.Device);

    private Func<EngineProgress, Task> ShowProgress(EngineRelease release)
    {
        long shown = 0;
        return progress =>
        {
            if (shown != 0 && Stopwatch.GetElapsedTime(shown) < s_progressInterval)
                return Task.CompletedTask;
            shown = Stopwatch.GetTimestamp();
            string phase = Strings.Format(progress.Phase == EnginePhase.Fetching ? "FetchingPackage" : "UnpackingPackage", progress.Subject, Megabytes(progress.DoneBytes), progress.TotalBytes is { } total ? Megabytes(total) : "?");
            return WriteProgressAsync(new ProgressRecord(1, Activity(release), phase)
            {
                PercentComplete = progress.TotalBytes is > 0 and var all ? (int)(100 * progress.DoneBytes / all) : -1,
            });
        };
    }

    private static string Megabytes(long bytes) => (bytes / Megabyte).ToString("0", CultureInfo.InvariantCulture);
}
