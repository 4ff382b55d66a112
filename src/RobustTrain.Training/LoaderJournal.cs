using RobustTrain.Data.Loading;
using RobustTrain.Runs.Events;

namespace RobustTrain.Training;

/// <summary>Writes what happens in a loader into a journal.</summary>
public static class LoaderJournal
{
    /// <summary>An observer for a loader's options.</summary>
    public static Action<LoaderEvent> ObserverFor(IRunJournal journal) => happened => journal.Write(Of(happened));

    /// <summary>A loader's event as the journal has it, its kind in snake case.</summary>
    public static LoaderChanged Of(LoaderEvent happened) => new(
        KindOf(happened.Kind), happened.Message, happened.Worker, happened.ProcessId, happened.Epoch, happened.SampleIndex, happened.Sample);

    private static string KindOf(LoaderEventKind kind) => string.Concat(kind.ToString().Select((letter, place) =>
        char.IsUpper(letter) && place > 0 ? $"_{char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));
}
