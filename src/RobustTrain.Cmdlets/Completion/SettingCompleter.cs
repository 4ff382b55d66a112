using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Runs.Configuration.Schema;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>Keys of the configuration for -Set, and after the equals sign their allowed values.</summary>
public sealed class SettingCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        string word = (wordToComplete ?? "").Trim('\'', '"');
        int equals = word.IndexOf('=');
        return Completions.Of(word, equals < 0
            ? ConfigurationSchema.Values.Select(key => (key.Path + "=", key.Description))
            : (ConfigurationSchema.Find(word[..equals]) is { } key ? ValuesOf(key) : []).Select(value => ($"{word[..equals]}={value}", value)));
    }

    /// <summary>The words that a key may be set to.</summary>
    internal static IEnumerable<string> ValuesOf(ConfigurationKey key) => key switch
    {
        { AllowedValues: { } allowed } => allowed,
        { Kind: ConfigurationKind.Boolean } => ["true", "false"],
        { NullText: not "null" } => [key.NullText],
        _ => [],
    };
}
