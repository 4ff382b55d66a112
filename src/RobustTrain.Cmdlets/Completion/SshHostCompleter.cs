using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Monitoring.Sources.Ssh;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The hosts that the ssh configuration names.</summary>
public sealed class SshHostCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        string path = fakeBoundParameters["SshConfigPath"] as string ?? SshOptions.OperatorConfigPath;
        return Completions.Of(wordToComplete, SshHostNames.Read(path).Select(host => (host, $"{host}, from {path}")));
    }
}
