using System.Runtime.InteropServices;
using System.Text;

namespace RobustTrain.Data.Loading.Ring;

/// <summary>A worker's report of a sample that can't be loaded, in memory that it shares with the trainer.</summary>
[StructLayout(LayoutKind.Sequential, Size = FailureReport.Bytes)]
internal unsafe struct FailureReport
{
    public const int Bytes = 24 + TextBytes;

    // PATH_MAX: no path is longer. A sentence may name two files.
    private const int PathBytes = 4096;
    private const int TextBytes = PathBytes + (2 * PathBytes) + 1024;

    /// <summary>0 empty, 1 full; written last by the sender, cleared by the receiver.</summary>
    public int IsFull;

    public int Slot;

    public int Position;

    private int _pathBytes;
    private int _messageBytes;
    private int _isOfFile;
    private fixed byte _text[TextBytes];

    public void Write(int slot, int position, SampleException failure)
    {
        Slot = slot;
        Position = position;
        _isOfFile = failure.IsOfFile ? 1 : 0;
        fixed (byte* text = _text)
        {
            Span<byte> room = new(text, TextBytes);
            _pathBytes = Encoding.UTF8.GetBytes(failure.Path, room[..PathBytes]);
            // Only a sentence that holds more than its two paths can be too long.
            Encoding.UTF8.GetEncoder().Convert(failure.Message, room[_pathBytes..], flush: true, out _, out _messageBytes, out _);
        }

        Volatile.Write(ref IsFull, 1);
    }

    public SampleException Read()
    {
        fixed (byte* text = _text)
        {
            string path = Encoding.UTF8.GetString(text, _pathBytes);
            return new SampleException(Encoding.UTF8.GetString(text + _pathBytes, _messageBytes), path) { IsOfFile = _isOfFile != 0 };
        }
    }
}
