using System.Management.Automation;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;
using RobustTrain.Runs.Scheduling;

namespace RobustTrain.Cmdlets.Schedules;

/// <summary>Takes trainings away from the system's scheduler.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "TrainingTask", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class UnregisterTrainingTaskCommand : RobustTrainCmdlet
{
    /// <summary>The tasks' names.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [FromObject("Name")]
    [ArgumentCompleter(typeof(TrainingTaskCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    /// <summary>Stops a training that is at work, with a checkpoint.</summary>
    [Parameter]
    public SwitchParameter Stop { get; set; }

    /// <inheritdoc/>
    protected override TimeSpan StopGrace => TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        var schedule = TrainingSchedule.OfThisUser();
        foreach (string name in Name)
        {
            stopping.ThrowIfCancellationRequested();
            try
            {
                await UnregisterAsync(schedule, name);
            }
            catch (RunException failure)
            {
                // The other tasks are to go all the same.
                await WriteErrorAsync(failure, name);
            }
        }
    }

    private async Task UnregisterAsync(TrainingSchedule schedule, string name)
    {
        TrainingTask task = schedule.Tasks().FirstOrDefault(task => TrainingSchedule.IsCalled(task, name)) ?? throw schedule.NotFound(name);
        if (!await ShouldProcessAsync(task.Name, Strings.Format(Stop ? "UnregisterAndStopTaskAction" : "UnregisterTaskAction", task.Scheduler)))
            return;

        schedule.Unregister(task);

        // The task goes first, so that its scheduler starts no training that is being stopped.
        if (!RunFolder.IsRun(task.RunPath) || RunFolder.ReadRecord(task.RunPath).ObservedState != RunState.Running)
            return;
        if (Stop)
            await OnPipelineThread(() => InvokeCommand.InvokeScript("param($Run) RobustTrain\\Stop-Training -LiteralPath $Run -Confirm:$false", useNewScope: true, System.Management.Automation.Runspaces.PipelineResultTypes.Error, input: null, task.RunPath));
        else
            await WriteWarningAsync(Strings.Format("TrainingGoesOn", task.Name, task.RunPath));
    }
}
