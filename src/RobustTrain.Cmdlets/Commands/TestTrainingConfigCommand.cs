using System.Management.Automation;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Checks a configuration as Start-Training would before its first step, and creates nothing.</summary>
[Cmdlet(VerbsDiagnostic.Test, "TrainingConfig")]
[OutputType(typeof(TrainingConfigTest), typeof(bool))]
public sealed class TestTrainingConfigCommand : ConfiguredCmdlet
{
    /// <summary>Whether only a Boolean is written: whether a training can begin.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        string? given = ConfigurationPath;
        try
        {
            foreach (string? file in await OnPipelineThread(() => FilesOf(given)))
            {
                ConfigurationPath = file;
                await TestAsync(stopping);
            }
        }
        finally
        {
            ConfigurationPath = given;
        }
    }

    // A file of this very name comes first: what comes down the pipeline by its path has no wildcards.
    private IReadOnlyList<string?> FilesOf(string? path)
    {
        if (path is null || System.IO.Path.Exists(ResolvePath(path)))
            return [path];
        if (!WildcardPattern.ContainsWildcardCharacters(path))
            return [WildcardPattern.Unescape(path)];

        string[] found = [.. GetResolvedProviderPathFromPSPath(path, out _).Order(StringComparer.Ordinal)];
        return found.Length > 0 ? found : throw new RunException(ExitCode.Configuration, "ConfigurationNotFound", Strings.Format("NoFileMatches", path), path);
    }

    private async Task TestAsync(CancellationToken stopping)
    {
        TrainingRequest request = await ReadRequestAsync();
        ConfigurationChecked? found = null;
        try
        {
            await CallAsync(["config", "check", .. request.ConfigurationArguments()], Strings.Format("CheckActivity"), request.Subject, happened => found = happened as ConfigurationChecked ?? found, stopping);
        }
        catch (RunException) when (found is { Errors.Count: > 0 })
        {
            // Mistakes are this cmdlet's result, not its failure.
        }

        if (found is null)
            return;
        TrainingConfigTest test = TrainingConfigTest.From(found, request.ConfigurationPath, request.Words);
        await WriteObjectAsync(Quiet ? test.Valid : test);
    }
}
