using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Cmdlets.Words;

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
            ? ConfigurationKeys.All.Select(key => (key.Path + "=", key.Description))
            : (ConfigurationKeys.Find(word[..equals])?.Values ?? []).Select(value => ($"{word[..equals]}={value}", value)));
    }
}

/// <summary>The values that the configuration allows for the key that a parameter sets.</summary>
public sealed class ConfigurationValueCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ConfigurationKeyHelp? key = ConfigurationKeyAttribute.OfParameters.TryGetValue(parameterName, out string? path) ? ConfigurationKeys.Find(path) : null;
        return Completions.Of(wordToComplete, (key?.Values ?? []).Select(value => (value, key!.Description)));
    }
}
