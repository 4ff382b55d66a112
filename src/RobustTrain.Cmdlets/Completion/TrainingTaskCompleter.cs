using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Runs;
using RobustTrain.Runs.Scheduling;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The names of the trainings that the system's schedulers start.</summary>
public sealed class TrainingTaskCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            return Completions.Of(wordToComplete, TrainingSchedule.OfThisUser().Tasks().Select(task => (task.Name, $"{task.Scheduler}, {task.State}, {task.RunPath}")));
        }
        catch (RunException)
        {
            // A scheduler that does not answer completes nothing; the cmdlet says why.
            return [];
        }
    }
}
