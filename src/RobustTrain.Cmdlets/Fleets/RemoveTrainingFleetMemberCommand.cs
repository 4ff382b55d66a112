using System.Management.Automation;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Fleets;

/// <summary>Takes configurations or hosts from a fleet; a run at work is stopped with a checkpoint.</summary>
[Cmdlet(VerbsCommon.Remove, "TrainingFleetMember", SupportsShouldProcess = true)]
public sealed class RemoveTrainingFleetMemberCommand : FleetCmdlet
{
    /// <summary>The names of the runs.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [FromObject("Name")]
    [ArgumentCompleter(typeof(FleetMemberCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    /// <summary>The hosts.</summary>
    [Parameter]
    [Alias("HostName", "Cn")]
    [ArgumentCompleter(typeof(SshHostCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] ComputerName { get; set; } = [];

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        string path = await FleetPathAsync();
        if (await ShouldProcessAsync(path, Strings.Format("RemoveTrainingFleetMemberAction", string.Join(", ", Name.Concat(ComputerName)))))
            await CallAsync(["fleet", "remove", .. Name, "--path", path, .. ComputerName.SelectMany(host => (string[])["--host", host])], "Remove-TrainingFleetMember", path, _ => { }, stopping);
    }
}
