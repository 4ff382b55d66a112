using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Reads the journals of runs.</summary>
[Cmdlet(VerbsCommon.Get, "TrainingEvent", DefaultParameterSetName = PathSet)]
[OutputType(typeof(TrainingEvent))]
public sealed class GetTrainingEventCommand : RunCmdlet
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    private WildcardPattern[] _kinds = [];

    /// <summary>Only events of these kinds; wildcards are allowed.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(EventKindCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Kind { get; set; } = ["*"];

    /// <summary>Goes on with the events of a live run as they come, until it ends.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    /// <inheritdoc/>
    protected override async Task BeginProcessingAsync(CancellationToken stopping)
    {
        foreach (string kind in Kind.Where(kind => !WildcardPattern.ContainsWildcardCharacters(kind) && !TrainingEvent.Kinds.Contains(kind, StringComparer.OrdinalIgnoreCase)))
        {
            string hint = NearestName.Of(kind, TrainingEvent.Kinds) is { } nearest ? Strings.Format("DidYouMean", nearest) : ".";
            await ThrowTerminatingErrorAsync(new RunException(ExitCode.Configuration, "EventKindUnknown", Strings.Format("EventKindUnknown", kind, hint), kind));
        }

        _kinds = [.. Kind.Select(kind => WildcardPattern.Get(kind, WildcardOptions.IgnoreCase))];
    }

    private protected override async Task ProcessRunAsync(string run, CancellationToken stopping)
    {
        RunRecord record = RunFolder.ReadRecord(run);
        RunJournalReader journal = new(RunFolder.JournalPathOf(run));
        while (true)
        {
            // What is written between the look at the process and the end of the journal is read with it.
            bool isLive = Wait && record.ObservedState == RunState.Running;
            foreach (RunEvent happened in journal.ReadNew())
            {
                stopping.ThrowIfCancellationRequested();
                if (TrainingEvent.KindOf(happened) is var kind && _kinds.Any(pattern => pattern.IsMatch(kind)))
                    await WriteObjectAsync(TrainingEvent.From(happened, run));
            }

            if (!isLive)
                return;
            await Task.Delay(PollInterval, stopping);
            record = RunFolder.ReadRecord(run);
        }
    }
}
