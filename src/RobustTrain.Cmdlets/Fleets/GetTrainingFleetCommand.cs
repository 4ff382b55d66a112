using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Fleet.State;

namespace RobustTrain.Cmdlets.Fleets;

/// <summary>Says how the configurations of a fleet stand, or its hosts.</summary>
[Cmdlet(VerbsCommon.Get, "TrainingFleet")]
[OutputType(typeof(TrainingFleetMember), typeof(TrainingFleetHost))]
public sealed class GetTrainingFleetCommand : FleetCmdlet
{
    /// <summary>Tells of the hosts.</summary>
    [Parameter]
    public SwitchParameter HostStatus { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        string path = await FleetPathAsync();
        FleetStatus? status = FleetFolder.ReadStatus(path);
        if (FleetFolder.HolderOf(path) is null)
            await WriteWarningAsync(Strings.Format("FleetNotAtWork", path, status is null ? "-" : status.Time.LocalDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)));
        if (status is null)
            return;
        foreach (object found in HostStatus ? status.Hosts.Select(TrainingFleetHost.From) : (IEnumerable<object>)status.Members.Select(member => TrainingFleetMember.From(member, status, path)))
            await WriteObjectAsync(found);
    }
}
