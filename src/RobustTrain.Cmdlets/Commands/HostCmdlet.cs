using System.Management.Automation;
using System.Reflection;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>A cmdlet whose work is one short-lived <c>robusttrain</c> at a time.</summary>
public abstract class HostCmdlet : RobustTrainCmdlet
{
    private static readonly TimeSpan KillAfter = TimeSpan.FromSeconds(2);

    private readonly TrainingNotices _notices = new();

    /// <summary>The child stops, or is killed, in this time.</summary>
    protected override TimeSpan StopGrace => KillAfter + TimeSpan.FromSeconds(1);

    /// <summary>A configuration's absolute path; a run's folder stands for the run's own configuration.</summary>
    private protected string ResolveConfiguration(string path)
    {
        string resolved = ResolvePath(path);
        return RunFolder.IsRun(resolved) ? RunFolder.ConfigPathOf(resolved) : resolved;
    }

    /// <summary>How this cmdlet calls what the executable names by its options.</summary>
    private protected virtual CmdletWords Words() => new([.. BoundSettings()]);

    /// <summary>As above, for the process that this cmdlet waits for, which trains no run.</summary>
    private protected virtual CmdletWords WordsOfCall() => Words() with { Worker = "robusttrain", GoesOn = "" };

    /// <summary>Those parameters that were given and set a key of the configuration, as settings with absolute paths, and as they were given.</summary>
    private protected IEnumerable<(string Setting, string Parameter)> BoundSettings()
    {
        foreach (PropertyInfo parameter in GetType().GetProperties())
        {
            if (parameter.GetCustomAttribute<ConfigurationKeyAttribute>() is not { } key || !MyInvocation.BoundParameters.ContainsKey(parameter.Name))
                continue;
            object? value = parameter.GetValue(this);
            string text = SettingText.Of(value is string path && ConfigurationKeys.Find(key.Path)!.IsPath ? ResolvePath(path) : value);
            yield return ($"{key.Path}={text}", $"-{parameter.Name} {text}");
        }
    }

    /// <summary>Runs a command to its end; warnings become warnings, progress is shown under an activity.</summary>
    /// <param name="arguments">The command and its options, without those for events and life line.</param>
    /// <param name="activity">What Write-Progress calls it.</param>
    /// <param name="target">The object at fault where it fails.</param>
    /// <param name="take">Takes the events that are the command's own.</param>
    /// <param name="stopping">Stops it.</param>
    private protected Task CallAsync(IEnumerable<string> arguments, string activity, object? target, Action<RunEvent> take, CancellationToken stopping) =>
        CallAsync(
            arguments, activity, target,
            happened =>
            {
                take(happened);
                return Task.CompletedTask;
            },
            stopping);

    /// <summary>As above; each event is taken before the next one is read.</summary>
    private protected async Task CallAsync(IEnumerable<string> arguments, string activity, object? target, Func<RunEvent, Task> take, CancellationToken stopping)
    {
        string folder = await CurrentFolderAsync();
        RunspaceLifetime lifetime = await OnPipelineThread(RunspaceLifetime.OfCurrentRunspace);
        CmdletWords words = await OnPipelineThread(WordsOfCall);
        var call = new HostCall([.. arguments, "--events", "--life-line"], folder, lifetime, KillAfter, target, words);
        HostEnd end = await call.RunAsync(
            async happened =>
            {
                await TakeAsync(take, happened);
                if (!stopping.IsCancellationRequested)
                    await ShowAsync(happened, activity, words);
            },
            stopping);
        stopping.ThrowIfCancellationRequested();
        await WriteProgressAsync(new ProgressRecord(1, activity, "done") { RecordType = ProgressRecordType.Completed });
        if (end.Failure is not null)
            throw end.Failure;
    }

    private static async Task TakeAsync(Func<RunEvent, Task> take, RunEvent happened)
    {
        try
        {
            await take(happened);
        }
        catch (PipelineStoppedException)
        {
            // As below: it is being stopped.
        }
    }

    private async Task ShowAsync(RunEvent happened, string activity, CmdletWords words)
    {
        try
        {
            (string? warning, string? detail) = _notices.Of(happened);
            if (warning is not null)
                await WriteWarningAsync(words.Of(warning));
            if (detail is not null)
                await WriteVerboseAsync(words.Of(detail));
            if (ProgressOf(happened) is (int done, int total))
                await WriteProgressAsync(new ProgressRecord(1, activity, $"{done} of {total}") { PercentComplete = (int)(100L * done / Math.Max(1, total)) });
        }
        catch (PipelineStoppedException)
        {
            // The child is being stopped too; what it still writes is read to the end.
        }
    }

    private static (int Done, int Total)? ProgressOf(RunEvent happened) => happened switch
    {
        EvaluationProgress pass => (pass.Done, pass.Total),
        CheckProgress check => (check.Done, check.Total),
        LoaderProgress loader => (loader.Done, loader.Total),
        PredictionProgress tile => (tile.Done, tile.Total),
        LearningRateProgress search => (search.Done, search.Total),
        SampleDataProgress scene => (scene.Done, scene.Total),
        _ => null,
    };
}
