using System.Collections;
using System.Management.Automation;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Fleets;

/// <summary>Gives a fleet further configurations or hosts, while it works or not.</summary>
[Cmdlet(VerbsCommon.Add, "TrainingFleetMember", SupportsShouldProcess = true)]
public sealed class AddTrainingFleetMemberCommand : FleetCmdlet
{
    /// <summary>The configuration files; wildcards are allowed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [SupportsWildcards]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string[] Config { get; set; } = [];

    /// <summary>The hosts, as the operator's ssh configuration knows them.</summary>
    [Parameter]
    [Alias("HostName", "Cn")]
    [ArgumentCompleter(typeof(SshHostCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] ComputerName { get; set; } = [];

    /// <summary>Keys with several values; every combination becomes a run.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public IDictionary? Sweep { get; set; }

    /// <summary>Settings for these configurations.</summary>
    [Parameter]
    [SettingsTransformation]
    [ArgumentCompleter(typeof(SettingCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Set { get; set; } = [];

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        string path = await FleetPathAsync();
        IReadOnlyList<string> files = await ResolveConfigsAsync(Config);
        if (!await ShouldProcessAsync(path, Strings.Format("AddTrainingFleetMemberAction", string.Join(", ", files.Concat(ComputerName)))))
            return;
        await CallAsync(
            [
                "fleet", "add", .. files, "--path", path,
                .. ComputerName.SelectMany(host => (string[])["--host", host]), .. Set.SelectMany(setting => (string[])["--set", setting]), .. SweepOptions(Sweep),
            ],
            "Add-TrainingFleetMember", path, _ => { }, stopping);
    }
}
