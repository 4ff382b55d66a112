using System.Management.Automation;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Fleets;

/// <summary>Gives a fleet further configurations or hosts, while it works or not.</summary>
[Cmdlet(VerbsCommon.Add, "TrainingFleetMember", SupportsShouldProcess = true)]
public sealed class AddTrainingFleetMemberCommand : FleetMemberCmdlet
{
    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        string path = await FleetPathAsync();
        IReadOnlyList<string> files = await ResolveConfigsAsync();
        if (await ShouldProcessAsync(path, Strings.Format("AddTrainingFleetMemberAction", string.Join(", ", files.Concat(ComputerName)))))
            await CallAsync(["fleet", "add", .. MemberArguments(files, path)], "Add-TrainingFleetMember", path, _ => { }, stopping);
    }
}
