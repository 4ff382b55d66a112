using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Monitoring.Alerts;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>Rules to begin with, one for each property that can be watched.</summary>
public sealed class AlertCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completions.Of(wordToComplete, AlertRule.Properties.Select(property => ($"{property} > 0 for 30s", $"{property} of a GPU or CPU status")));
}
