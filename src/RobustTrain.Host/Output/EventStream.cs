using System.Buffers;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Output;

/// <summary>
/// Events as NDJSON to the process that started this one. A reader that is slow never holds up the training: what it only shows for a
/// moment, steps and progress, is dropped where too much of it waits. What the end of the reader means, the life line says.
/// </summary>
/// <param name="output">Where to, for example standard output.</param>
internal sealed class EventStream(Stream output) : IRunJournal, IDisposable
{
    private static readonly LossSentences s_sentences = new(
        reason => $"The events on standard output end here: {reason}",
        "The reader of the events is gone.",
        dropped => $"The reader of the events was too slow and missed {dropped} of the steps.");

    private readonly DetachedOutput _output = new(output, "event stream", s_sentences, onLoss: null);

    /// <inheritdoc cref="DetachedOutput.ReportLossTo"/>
    public void ReportLossTo(Action<string>? onLoss) => _output.ReportLossTo(onLoss);

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        ArrayBufferWriter<byte> line = new(512);
        EventLine.Write(line, runEvent.Time == default ? runEvent with { Time = DateTimeOffset.UtcNow } : runEvent);
        _output.Post(line.WrittenSpan.ToArray(), isLasting: runEvent is not (StepFinished or EvaluationProgress));
    }

    /// <summary>Waits, for a few seconds at most, until the reader has taken everything.</summary>
    public void Dispose() => _output.Dispose();
}
