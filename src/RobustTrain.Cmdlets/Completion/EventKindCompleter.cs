using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Cmdlets.Output;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The kinds of events in a journal.</summary>
public sealed class EventKindCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completions.Of(wordToComplete, TrainingEvent.Kinds.Select(kind => (kind, kind)));
}
