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
