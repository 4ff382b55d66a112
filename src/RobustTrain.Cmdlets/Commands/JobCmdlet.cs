using System.Management.Automation;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>A cmdlet that takes the session's jobs of one kind: by name, by id, or themselves.</summary>
/// <typeparam name="TJob">The kind; without "Job" it is the word in error ids and texts.</typeparam>
public abstract class JobCmdlet<TJob> : RobustTrainCmdlet
    where TJob : ManagedJob
{
    private protected const string NameSet = "Name";
    private protected const string IdSet = "Id";
    private protected const string InputObjectSet = "InputObject";

    private static readonly string s_kind = typeof(TJob).Name[..^"Job".Length];

    /// <summary>The jobs' ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
    public int[] Id { get; set; } = [];

    /// <summary>The jobs themselves.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = InputObjectSet, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public TJob[] InputObject { get; set; } = [];

    /// <summary>The jobs that are meant; an id, or a name without wildcards, that none has is an error.</summary>
    /// <param name="names">Their names, where they are meant by name.</param>
    private protected async Task<IReadOnlyList<TJob>> FindAsync(string[] names)
    {
        if (ParameterSetName == InputObjectSet)
            return InputObject;
        TJob[] all = await OnPipelineThread(ManagedJob.OfCurrentRunspace<TJob>);
        List<TJob> found = [];
        foreach (int id in Id)
        {
            if (all.FirstOrDefault(job => job.Id == id) is { } job)
                found.Add(job);
            else
                await WriteErrorAsync(NotFound(Strings.Format($"{s_kind}IdNotFound", id), id));
        }

        foreach (string name in ParameterSetName == IdSet ? [] : names)
        {
            var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
            TJob[] matching = [.. all.Where(job => pattern.IsMatch(job.Name))];
            if (matching.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                await WriteErrorAsync(NotFound(Strings.Format($"{s_kind}NameNotFound", name) + NearestName.Hint(name, all.Select(job => job.Name)), name));
            found.AddRange(matching);
        }

        return [.. found.Distinct()];
    }

    /// <summary>Stops jobs side by side, and waits until nothing of them runs.</summary>
    /// <param name="names">Their names, where they are meant by name.</param>
    /// <param name="action">What is done to one, for -WhatIf.</param>
    /// <param name="passThru">Whether they are written once they have ended.</param>
    /// <param name="stopping">Waits no longer.</param>
    private protected async Task StopAsync(string[] names, Func<TJob, string> action, bool passThru, CancellationToken stopping)
    {
        List<TJob> ending = [];
        foreach (TJob job in await FindAsync(names))
        {
            if (await ShouldProcessAsync(job.Name, action(job)))
                ending.Add(job);
        }

        foreach (TJob job in ending)
            job.StopJob();
        foreach (TJob job in ending)
        {
            await job.Ended.WaitAsync(stopping);
            if (passThru)
                await WriteObjectAsync(job);
        }
    }

    private static RunException NotFound(string message, object target) => new(ExitCode.Configuration, $"{s_kind}NotFound", message, target);
}
