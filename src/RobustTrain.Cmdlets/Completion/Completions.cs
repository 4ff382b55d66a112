using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>Candidates as results of completion.</summary>
internal static class Completions
{
    /// <summary>Those candidates that begin with what was typed, quoted where PowerShell needs it.</summary>
    /// <param name="typed">The word so far, perhaps with an opening quote.</param>
    /// <param name="candidates">Values and what they mean.</param>
    public static IEnumerable<CompletionResult> Of(string? typed, IEnumerable<(string Value, string Meaning)> candidates)
    {
        string word = (typed ?? "").Trim('\'', '"');
        foreach ((string value, string meaning) in candidates)
        {
            if (value.StartsWith(word, StringComparison.OrdinalIgnoreCase))
                yield return new CompletionResult(Quoted(value), value, CompletionResultType.ParameterValue, meaning.Length == 0 ? value : meaning);
        }
    }

    private static string Quoted(string value) =>
        value.All(letter => char.IsLetterOrDigit(letter) || letter is '-' or '_' or '.' or '/' or '\\' or ':' or '=' or '~') && !value.StartsWith('-')
            ? value
            : $"'{CodeGeneration.EscapeSingleQuotedStringContent(value)}'";
}

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
        ("exception:0.01", "The dataset throws an exception that it does not know."),
        ("corrupt:0.01", "The sample's file is damaged, at every attempt."),
    ];

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completions.Of(wordToComplete, Faults);
}
