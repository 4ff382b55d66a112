using System.Management.Automation;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Jobs;

/// <summary>A fleet beside the shell: its configurations, as they change, are the job's output. It ends with its shell, and its runs go on.</summary>
public sealed class TrainingFleetJob : ManagedJob
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(10);

    private readonly HostCall _call;
    private volatile string _message = "";

    internal TrainingFleetJob(IEnumerable<string> arguments, string fleetPath, string workingFolder, CmdletWords words, string command, string? name, IReadOnlyList<string> onEvent)
        : base(nameof(TrainingFleetJob), command, name)
    {
        FleetPath = fleetPath;
        _call = new HostCall(arguments, workingFolder, RunspaceLifetime.OfCurrentRunspace(), s_grace, fleetPath, words)
        {
            Prepare = start => TrainingRequest.HandOver(onEvent, start),
        };
    }

    /// <summary>The fleet's folder, in which its runs stand.</summary>
    public string FleetPath { get; }

    /// <inheritdoc/>
    public override string StatusMessage => _message;

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken stopping)
    {
        HostEnd end = await _call.RunAsync(
            happened =>
            {
                Take(happened);
                return Task.CompletedTask;
            },
            stopping);
        if (end.Failure is not null)
            throw end.Failure;
    }

    private void Take(RunEvent happened)
    {
        switch (happened)
        {
            case FleetMemberChanged member:
                Output.Add(PSObject.AsPSObject(TrainingFleetMember.From(member)));
                _message = $"{member.Name}: {member.State}";
                break;
            case FleetHostChanged { IsUsable: false } host:
                Warning.Add(new WarningRecord($"{host.ComputerName}: {host.Reason}"));
                break;
            case FleetHostChanged host:
                Verbose.Add(new VerboseRecord($"{host.ComputerName}: {host.Reason}"));
                break;
            case RunWarning warning:
                Warning.Add(new WarningRecord(warning.Message));
                break;
        }
    }
}
