using System.Text;

namespace RobustTrain.Host.Output;

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
