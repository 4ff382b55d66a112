using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The kinds of faults that can be rehearsed, each with a probability to begin with.</summary>
public sealed class FaultCompleter : IArgumentCompleter
{
    // The engine checks them; here they are for people.
    private static readonly (string Value, string Meaning)[] Faults =
    [
        ("kill:0.01", "The worker is killed with 1 in 100 samples (SIGKILL); a thread ends."),
        ("stop:0.01", "The worker is stopped (SIGSTOP); a thread sleeps."),
        ("exit:0.01", "The worker exits with code 1."),
        ("segfault:0.01", "The worker crashes in native code."),
        ("loop:0.01", "The worker loops without end."),
        ("stall:0.005", "The sample takes far longer than the timeout."),
        ("outofmemory:0.01", "The worker runs out of memory."),
        ("exception:0.01", "The data set throws an exception that it does not know."),
        ("corrupt:0.01", "The sample's file is damaged, at every attempt."),
    ];

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completions.Of(wordToComplete, Faults);
}
