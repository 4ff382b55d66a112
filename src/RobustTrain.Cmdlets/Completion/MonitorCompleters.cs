using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Sources.Ssh;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The names of the session's monitors.</summary>
public sealed class MonitorNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completions.Of(wordToComplete, MonitorJob.OfCurrentRunspace().Select(job => (job.Name, $"{job.JobStateInfo.State}, {job.StatusMessage}")));
}

/// <summary>Rules to begin with, one for each property that can be watched.</summary>
public sealed class AlertCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completions.Of(wordToComplete, AlertRule.Properties.Select(property => ($"{property} > 0 for 30s", $"{property} of a GPU or CPU status")));
}

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
