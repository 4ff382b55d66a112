using System.Management.Automation;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;
using RobustTrain.Runs.Engines;

namespace RobustTrain.Cmdlets.Engines;

/// <summary>Removes what Install-TrainingEngine has installed.</summary>
[Cmdlet(VerbsLifecycle.Uninstall, "TrainingEngine", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class UninstallTrainingEngineCommand : RobustTrainCmdlet
{
    /// <summary>Only the engine for this device.</summary>
    [Parameter(Position = 0)]
    public EngineDevice? Device { get; set; }

    /// <summary>The version of libtorch; wildcards are allowed.</summary>
    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string Version { get; set; } = EngineRelease.LibTorchVersion;

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        EngineStore store = EngineStore.OfThisUser();
        var versions = new WildcardPattern(Version, WildcardOptions.IgnoreCase);
        InstalledEngine[] engines = [.. store.Installed().Where(engine => versions.IsMatch(engine.Version) && (Device is null || Device == engine.Device))];
        if (engines.Length == 0 && (store.Installed().Count > 0 || !Directory.Exists(store.Root)))
            throw new RunException(ExitCode.Configuration, "EngineNotFound", Strings.Format("EngineNotFound", Version, Device is null ? "" : $" for {Device}"), Version);
        if (engines.Length == 0 && await ShouldProcessAsync(store.Root, Strings.Format("RemoveEngineRestAction")))
            store.DeleteRest();

        foreach (InstalledEngine engine in engines)
        {
            if (await ShouldProcessAsync(engine.Path, Strings.Format("RemoveEngineAction", engine.Version, engine.Device)))
                store.Remove(engine);
        }
    }
}
