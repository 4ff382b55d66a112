using System.Globalization;
using RobustTrain.Host.Output;
using RobustTrain.Runs.Events;
using Spectre.Console;

namespace RobustTrain.Host.Progress;

/// <summary>Shows people how far the work is; disposing of it leaves the terminal as it was.</summary>
internal interface IProgressDisplay : IRunJournal, IDisposable;

/// <summary>Chooses how progress is shown.</summary>
internal static class ProgressDisplays
{
    private static readonly TimeSpan s_plainInterval = TimeSpan.FromSeconds(10);

    /// <summary>A live display where standard output is a terminal that can, else plain lines.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="onLoss">Is told, in a sentence and on another thread, when lines can't be written.</param>
    public static IProgressDisplay OnStandardOutput(TimeProvider time, Action<string> onLoss) =>
        !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities is { Ansi: true, Interactive: true }
            ? new LiveProgress(AnsiConsole.Console, time)
            : new PlainProgress(DetachedText.StandardOutput(onLoss), s_plainInterval, time);
}

/// <summary>Plain lines, for files, pipes and terminals without control sequences: one each for what lasts, and a step now and then.</summary>
/// <param name="output">Where to; disposed of with this. It must neither wait nor throw where nobody reads.</param>
/// <param name="interval">The least time between two lines about steps or passes.</param>
/// <param name="time">The clock.</param>
internal sealed class PlainProgress(TextWriter output, TimeSpan interval, TimeProvider time) : IProgressDisplay
{
    private readonly Lock _gate = new();
    private TrainingView _view = new();
    private long? _shown;

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        lock (_gate)
        {
            _view = _view.After(runEvent, time.GetTimestamp());
            if ((EventText.Lasting(runEvent, _view) ?? Passing(runEvent)) is { } line)
                output.WriteLine(line);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => output.Dispose();

    private string? Passing(RunEvent runEvent)
    {
        if (runEvent is not (StepFinished or EvaluationProgress or SampleDataProgress or PredictionProgress or LearningRateProgress) || (_shown is { } shown && time.GetElapsedTime(shown) < interval))
            return null;
        _shown = time.GetTimestamp();
        return runEvent switch
        {
            EvaluationProgress pass => string.Create(CultureInfo.InvariantCulture, $"{pass.Split}: {pass.Done} of {pass.Total} samples scored"),
            LearningRateProgress search => string.Create(CultureInfo.InvariantCulture, $"{search.Done} of {search.Total} steps"),
            PredictionProgress tile => string.Create(CultureInfo.InvariantCulture, $"{tile.Name} ({tile.Done} of {tile.Total} tiles)"),
            SampleDataProgress scene => string.Create(CultureInfo.InvariantCulture, $"{scene.Scene} ({scene.Done} of {scene.Total} scenes)"),
            _ => EventText.Step(_view, time),
        };
    }
}
