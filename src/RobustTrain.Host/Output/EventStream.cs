using System.Buffers;
using System.Collections.Concurrent;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Output;

/// <summary>
/// Events as NDJSON to whoever started the process. A reader that is slow never holds up the training: what it only shows for a
/// moment, steps and progress, is dropped where too much of it waits. A reader that is gone is left alone.
/// </summary>
internal sealed class EventStream : IRunJournal, IDisposable
{
    private const int WaitingLimit = 4096;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly Stream _output;
    private readonly BlockingCollection<RunEvent> _waiting = [];
    private readonly Thread _writer;
    private readonly Lock _lossGate = new();
    private Action<string>? _onLoss;
    private int _dropped;

    /// <summary>Begins to write.</summary>
    /// <param name="output">Where to, for example standard output.</param>
    public EventStream(Stream output)
    {
        _output = output;
        _writer = new Thread(WriteAll) { IsBackground = true, Name = "event stream" };
        _writer.Start();
    }

    /// <summary>Names who is told, in a sentence, when the reader is gone or has missed events.</summary>
    /// <param name="onLoss">Null where nobody is told; a call that is under way has ended when this returns.</param>
    public void ReportLossTo(Action<string>? onLoss)
    {
        lock (_lossGate)
            _onLoss = onLoss;
    }

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        if (runEvent is StepFinished or EvaluationProgress && _waiting.Count >= WaitingLimit)
            Interlocked.Increment(ref _dropped);
        else
            _waiting.Add(runEvent.Time == default ? runEvent with { Time = DateTimeOffset.UtcNow } : runEvent);
    }

    /// <summary>Waits, for a few seconds at most, until the reader has taken everything.</summary>
    public void Dispose()
    {
        _waiting.CompleteAdding();
        _writer.Join(s_patience);
    }

    private void ReportLoss(string sentence)
    {
        lock (_lossGate)
            _onLoss?.Invoke(sentence);
    }

    private void WriteAll()
    {
        ArrayBufferWriter<byte> line = new(512);
        try
        {
            foreach (RunEvent runEvent in _waiting.GetConsumingEnumerable())
            {
                line.ResetWrittenCount();
                EventLine.Write(line, runEvent);
                _output.Write(line.WrittenSpan);
                _output.Flush();
                if (Interlocked.Exchange(ref _dropped, 0) is > 0 and int dropped)
                    ReportLoss($"The reader of the events was too slow and missed {dropped} of the steps.");
            }
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // The life line says what the end of the reader means; the journal on disk goes on.
            ReportLoss(StorageError.IsNoSpaceLeft(refused)
                ? $"The events on standard output end here: {StorageError.Describe(refused)}"
                : "The reader of the events is gone.");
            foreach (RunEvent _ in _waiting.GetConsumingEnumerable())
            {
            }
        }
    }
}
