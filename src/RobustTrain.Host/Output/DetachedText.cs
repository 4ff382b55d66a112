using System.Collections.Concurrent;
using System.Text;
using RobustTrain.Platform;

namespace RobustTrain.Host.Output;

/// <summary>
/// Text for people, written from a thread of its own, so that the work neither waits for a reader that is slow or stuck nor ends with one
/// that is gone or with a disk that is full: what can't be written is dropped, and told once.
/// </summary>
internal sealed class DetachedText : TextWriter
{
    private const int WaitingLimit = 4096;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly Stream _output;
    private readonly string _name;
    private readonly BlockingCollection<string> _waiting = new(WaitingLimit);
    private readonly Lock _lossGate = new();
    private readonly Lock _drainGate = new();
    private readonly ManualResetEventSlim _isDrained = new(initialState: true);
    private Action<string>? _onLoss;
    private int _unwritten;
    private int _dropped;
    private bool _isClosed;

    /// <summary>Begins to write.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="name">What it is called in sentences, for example "standard output".</param>
    /// <param name="onLoss">Is told, in a sentence and on another thread, when texts are dropped.</param>
    public DetachedText(Stream output, string name, Action<string>? onLoss)
    {
        _output = output;
        _name = name;
        _onLoss = onLoss;
        new Thread(WriteAll) { IsBackground = true, Name = name }.Start();
    }

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
        if (string.IsNullOrEmpty(value))
            return;
        lock (_drainGate)
        {
            if (_isClosed)
                return;
            if (!_waiting.TryAdd(value))
            {
                _dropped++;
                return;
            }

            _unwritten++;
            _isDrained.Reset();
        }
    }

    /// <summary>Waits, for a few seconds at most, until everything is written or dropped.</summary>
    public override void Flush() => _isDrained.Wait(s_patience);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Flush();
            lock (_drainGate)
            {
                if (!_isClosed)
                    _waiting.CompleteAdding();
                _isClosed = true;
            }

            // A call that is under way has ended when this returns.
            lock (_lossGate)
                _onLoss = null;
        }

        base.Dispose(disposing);
    }

    private void WriteAll()
    {
        bool isBroken = false;
        foreach (string text in _waiting.GetConsumingEnumerable())
        {
            try
            {
                if (!isBroken)
                {
                    _output.Write(Encoding.GetBytes(text));
                    _output.Flush();
                }
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                isBroken = true;
                Tell(StorageError.IsNoSpaceLeft(refused)
                    ? $"What goes to {_name} is dropped from here on: {StorageError.Describe(refused)}"
                    : $"What goes to {_name} is dropped from here on: its reader is gone.");
            }

            int dropped;
            lock (_drainGate)
            {
                (dropped, _dropped) = (_dropped, 0);
                if (--_unwritten == 0)
                    _isDrained.Set();
            }

            if (dropped > 0 && !isBroken)
                Tell($"The reader of {_name} was too slow and missed {dropped} lines.");
        }
    }

    private void Tell(string sentence)
    {
        lock (_lossGate)
            _onLoss?.Invoke(sentence);
    }
}
