namespace RobustTrain.Dashboard.Journals;

/// <summary>Reads what is appended to a journal, line by line, each byte once.</summary>
/// <param name="path">The journal.</param>
internal sealed class JournalTail(string path)
{
    /// <summary>The longest line that is read; a longer one is no event and is passed over.</summary>
    public const int LongestLine = 1 << 20;

    private const int ChunkBytes = 1 << 16;

    private byte[] _rest = [];
    private int _restCount;
    private bool _isPassingOver;

    /// <summary>Takes a line, without its line feed.</summary>
    public delegate void LineTaker(ReadOnlySpan<byte> line);

    /// <summary>How far it has read, in bytes.</summary>
    public long Position { get; private set; }

    /// <summary>Lines that were passed over.</summary>
    public int PassedOver { get; private set; }

    /// <summary>The journal's length, in bytes; 0 where there is none.</summary>
    public long Length => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    /// <summary>Goes to a place; the line that is under way there is passed over, but at the beginning.</summary>
    public void MoveTo(long position)
    {
        Position = position;
        _restCount = 0;
        _isPassingOver = position > 0;
        if (_isPassingOver)
            PassedOver--;
    }

    /// <summary>Reads the lines that have become whole.</summary>
    /// <param name="take">Takes each.</param>
    /// <param name="until">Where to stop.</param>
    /// <exception cref="FileNotFoundException">There is no journal.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public void Read(LineTaker take, long until = long.MaxValue)
    {
        using FileStream file = PlainFile.Open(path);
        file.Position = Position;
        byte[] chunk = new byte[(int)Math.Clamp(Math.Min(file.Length, until) - Position, 1, ChunkBytes)];
        int count;
        while (Position < until && (count = file.Read(chunk)) > 0)
        {
            Position += count;
            Take(chunk.AsSpan(0, count), take);
        }
    }

    private void Take(ReadOnlySpan<byte> bytes, LineTaker take)
    {
        int end;
        while ((end = bytes.IndexOf((byte)'\n')) >= 0)
        {
            ReadOnlySpan<byte> line = bytes[..end];
            bytes = bytes[(end + 1)..];
            if (_isPassingOver)
            {
                _isPassingOver = false;
                PassedOver++;
            }
            else if (_restCount == 0)
            {
                if (line.Length > 0)
                    take(line);
            }
            else
            {
                Keep(line);
                if (!_isPassingOver)
                    take(_rest.AsSpan(0, _restCount));
                else
                    PassedOver++;
                _isPassingOver = false;
            }

            _restCount = 0;
        }

        if (!_isPassingOver)
            Keep(bytes);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_restCount + bytes.Length > LongestLine)
        {
            _isPassingOver = true;
            _restCount = 0;
            _rest = [];
            return;
        }

        if (_rest.Length < _restCount + bytes.Length)
            Array.Resize(ref _rest, Math.Max(1024, Math.Max(_rest.Length * 2, _restCount + bytes.Length)));
        bytes.CopyTo(_rest.AsSpan(_restCount));
        _restCount += bytes.Length;
    }
}
