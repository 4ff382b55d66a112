using System.Buffers.Binary;

namespace RobustTrain.Data.Imaging;

/// <summary>Walks through the chunks of a PNG file, checking the sum of each (PNG specification, 5.3). It stops at the first that is not right.</summary>
internal ref struct PngChunks
{
    private const int SignatureBytes = 8;
    private const int FrameBytes = 12;

    private readonly ReadOnlySpan<byte> _file;
    private int _position;

    public PngChunks(ReadOnlySpan<byte> file)
    {
        _file = file;
        _position = SignatureBytes;
    }

    /// <summary>The chunk's type, as four letters.</summary>
    public ReadOnlySpan<byte> Type { get; private set; }

    /// <summary>The chunk's bytes.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    /// <summary>Whether the image can't be understood without understanding the chunk.</summary>
    public readonly bool IsCritical => (Type[0] & 0x20) == 0;

    /// <summary>Goes to the next chunk; false where there is no whole one with the right sum.</summary>
    public unsafe bool MoveNext()
    {
        if (_file.Length - _position < FrameBytes)
            return false;
        ReadOnlySpan<byte> rest = _file[_position..];
        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        if (length > rest.Length - FrameBytes)
            return false;
        Type = rest.Slice(4, 4);
        Data = rest.Slice(8, (int)length);
        uint sum;
        fixed (byte* start = Type)
            sum = DeflateNative.Crc32(0, start, length + 4);
        _position += (int)length + FrameBytes;
        return sum == BinaryPrimitives.ReadUInt32BigEndian(rest[(8 + (int)length)..]);
    }
}
