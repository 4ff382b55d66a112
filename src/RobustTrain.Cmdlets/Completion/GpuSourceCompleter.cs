using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Monitoring.Monitors;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The sources of GPUs.</summary>
public sealed class GpuSourceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completions.Of(wordToComplete, GpuSourceSpec.Known.Select(source => (source, source)));
}
