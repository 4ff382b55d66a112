using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Cmdlets.Monitoring;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>Completes by this host's GPUs; offers nothing where they cannot be read at once.</summary>
public abstract class GpuCompleter : IArgumentCompleter
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        if (fakeBoundParameters.Contains("ComputerName"))
            return [];

        try
        {
            GpuSourceSpec source = fakeBoundParameters["Source"] is { } text ? GpuSourceSpec.Parse(text.ToString()!) : GpuSourceSpec.Auto;
            StatusReader reader = RunspaceReader.OfCurrentRunspace();
            var options = new MonitorOptions { Timeout = Patience, IncludeThroughput = false };
            IReadOnlyList<GpuStatus> gpus = reader.ReadGpusAsync(source, options, CancellationToken.None).GetAwaiter().GetResult();
            return Completions.Of(wordToComplete, gpus.Select(Candidate).DistinctBy(candidate => candidate.Value));
        }
        catch (Exception failure) when (failure is MonitorException or FormatException)
        {
            // A key press is no place for errors; the cmdlet itself will say what is wrong.
            return [];
        }
    }

    private protected abstract (string Value, string Meaning) Candidate(GpuStatus gpu);
}
