using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Output;

/// <summary>
/// Writes to a stream from a thread of its own, so that the work neither waits for a reader that is slow or stuck nor ends with one that is
/// gone or with a disk that is full: what can't be written is dropped, and told once.
/// </summary>
internal sealed class DetachedOutput : IDisposable
{
    private const int WaitingLimit = 4096;

    // A reader that takes nothing for so long is stuck; one on a busy machine takes something, and gets longer.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly Stream _output;
    private readonly LossSentences _sentences;
    private readonly BlockingCollection<byte[]> _waiting = [];
    private readonly Lock _gate = new();
    private readonly Lock _lossGate = new();
    private readonly ManualResetEventSlim _isDrained = new(initialState: true);
    private Action<string>? _onLoss;
    private int _unwritten;
    private int _dropped;
    private bool _isClosed;

    /// <summary>Begins to write.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="name">The thread's name.</param>
    /// <param name="sentences">How what is dropped is told of.</param>
    /// <param name="onLoss">Is told, in a sentence and on another thread, when something is dropped.</param>
    public DetachedOutput(Stream output, string name, LossSentences sentences, Action<string>? onLoss)
    {
        _output = output;
        _sentences = sentences;
        _onLoss = onLoss;
        new Thread(WriteAll) { IsBackground = true, Name = name }.Start();
    }

    /// <summary>Names who is told of what is dropped; a call that is under way has ended when this returns.</summary>
    public void ReportLossTo(Action<string>? onLoss)
    {
        lock (_lossGate)
            _onLoss = onLoss;
    }

    /// <summary>Has something written; after the end nothing is.</summary>
    /// <param name="bytes">What.</param>
    /// <param name="isLasting">Whether it is kept however much waits already.</param>
    public void Post(byte[] bytes, bool isLasting)
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            if (!isLasting && _waiting.Count >= WaitingLimit)
            {
                _dropped++;
                return;
            }

            _unwritten++;
            _isDrained.Reset();
            _waiting.Add(bytes);
        }
    }

    /// <summary>Waits until everything is written or dropped; for a few seconds at most where the reader takes nothing.</summary>
    public void Flush()
    {
        long began = Stopwatch.GetTimestamp();
        for (int left = -1; !_isDrained.Wait(s_patience) && Stopwatch.GetElapsedTime(began) < s_limit;)
        {
            lock (_gate)
            {
                if (left == _unwritten)
                    return;
                left = _unwritten;
            }
        }
    }

    /// <summary>Flushes, and tells nobody of anything any more.</summary>
    public void Dispose()
    {
        Flush();
        lock (_gate)
        {
            _isClosed = true;
            _waiting.CompleteAdding();
        }

        ReportLossTo(null);
    }

    private void WriteAll()
    {
        bool isBroken = false;
        foreach (byte[] bytes in _waiting.GetConsumingEnumerable())
        {
            try
            {
                if (!isBroken)
                {
                    _output.Write(bytes);
                    _output.Flush();
                }
            }
            // Closed under this thread: whoever closes it has lost patience in Dispose.
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                isBroken = true;
                Tell(StorageError.IsNoSpaceLeft(refused) ? _sentences.Refused(StorageError.Describe(refused)) : _sentences.ReaderGone);
            }

            int dropped;
            lock (_gate)
                (dropped, _dropped) = (_dropped, 0);
            if (dropped > 0 && !isBroken)
                Tell(_sentences.Missed(dropped));
            lock (_gate)
            {
                if (--_unwritten == 0)
                    _isDrained.Set();
            }
        }
    }

    private void Tell(string sentence)
    {
        lock (_lossGate)
            _onLoss?.Invoke(sentence);
    }
}

/// <summary>How the loss of an output is told of.</summary>
/// <param name="Refused">That a disk takes no more, with why as the end of a sentence.</param>
/// <param name="ReaderGone">That nobody reads any more.</param>
/// <param name="Missed">That a slow reader has missed so many.</param>
internal sealed record LossSentences(Func<string, string> Refused, string ReaderGone, Func<int, string> Missed);

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

    /// <summary>Waits until the reader has taken everything; for a few seconds at most where it takes nothing.</summary>
    public void Dispose() => _output.Dispose();
}

/// <summary>Text for people, which holds up nothing and ends nothing where it can't be written.</summary>
/// <param name="output">Where to.</param>
/// <param name="name">What it is called in sentences, for example "standard output".</param>
/// <param name="onLoss">Is told, in a sentence and on another thread, when texts are dropped.</param>
internal sealed class DetachedText(Stream output, string name, Action<string>? onLoss) : TextWriter
{
    private readonly DetachedOutput _output = new(
        output, name,
        new LossSentences(
            reason => $"What goes to {name} is dropped from here on: {reason}",
            $"What goes to {name} is dropped from here on: its reader is gone.",
            dropped => $"The reader of {name} was too slow and missed {dropped} lines."),
        onLoss);

    /// <inheritdoc/>
    public override Encoding Encoding => Console.OutputEncoding;

    /// <summary>Standard output.</summary>
    public static DetachedText StandardOutput(Action<string>? onLoss) => new(Console.OpenStandardOutput(), "standard output", onLoss);

    /// <inheritdoc/>
    public override void Write(char value) => Write(value.ToString());

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Write(value + NewLine);

    /// <inheritdoc/>
    public override void Write(string? value)
    {
        if (!string.IsNullOrEmpty(value))
            _output.Post(Encoding.GetBytes(value), isLasting: false);
    }

    /// <inheritdoc cref="DetachedOutput.Flush"/>
    public override void Flush() => _output.Flush();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _output.Dispose();
        base.Dispose(disposing);
    }
}
