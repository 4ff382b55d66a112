using System.Management.Automation;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Runs.Scheduling;

namespace RobustTrain.Cmdlets.Schedules;

/// <summary>Lists the trainings that the system's schedulers start.</summary>
[Cmdlet(VerbsCommon.Get, "TrainingTask")]
[OutputType(typeof(TrainingTask))]
public sealed class GetTrainingTaskCommand : RobustTrainCmdlet
{
    /// <summary>Only tasks of these names; wildcards are allowed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [SupportsWildcards]
    [FromObject("Name", EscapesWildcards = true)]
    [ArgumentCompleter(typeof(TrainingTaskCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = ["*"];

    /// <summary>Only tasks of this scheduler.</summary>
    [Parameter]
    public SchedulerKind Scheduler { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        var schedule = TrainingSchedule.OfThisUser();
        if (Scheduler != SchedulerKind.Auto)
            schedule.Choose(Scheduler);
        TrainingTask[] tasks = [.. schedule.Tasks().Where(task => Scheduler == SchedulerKind.Auto || task.Scheduler == Scheduler.ToString())];
        foreach (string name in Name)
        {
            TrainingTask[] meant = [.. tasks.Where(task => WildcardPattern.Get(name, WildcardOptions.IgnoreCase).IsMatch(task.Name))];
            if (meant.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                await WriteErrorAsync(schedule.NotFound(name));
            foreach (TrainingTask task in meant)
                await WriteObjectAsync(task);
        }
    }
}
