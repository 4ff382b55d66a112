using System.Globalization;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Progress;

/// <summary>Plain lines, for files, pipes and terminals without control sequences: one each for what lasts, and a step now and then.</summary>
/// <param name="output">Where to.</param>
/// <param name="interval">The least time between two lines about steps or passes.</param>
internal sealed class PlainProgress(TextWriter output, TimeSpan interval) : IProgressDisplay
{
    private readonly Lock _gate = new();
    private TrainingView _view = new();
    private DateTimeOffset _shown;
    private bool _isGone;

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        lock (_gate)
        {
            _view = _view.After(runEvent);
            if ((EventText.Lasting(runEvent, _view) ?? Passing(runEvent)) is { } line)
                WriteLine(line);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private void WriteLine(string line)
    {
        if (_isGone)
            return;
        try
        {
            output.WriteLine(line);
        }
        catch (IOException)
        {
            // The terminal is gone; the training has better things to do than to end for want of a display.
            _isGone = true;
        }
    }

    private string? Passing(RunEvent runEvent)
    {
        if (runEvent is not (StepFinished or EvaluationProgress or SampleDataProgress) || runEvent.Time - _shown < interval)
            return null;
        _shown = runEvent.Time;
        return runEvent switch
        {
            EvaluationProgress pass => string.Create(CultureInfo.InvariantCulture, $"{pass.Split}: {pass.Done} of {pass.Total} samples scored"),
            SampleDataProgress scene => string.Create(CultureInfo.InvariantCulture, $"{scene.Scene} ({scene.Done} of {scene.Total} scenes)"),
            _ => EventText.Step(_view, runEvent.Time),
        };
    }
}
