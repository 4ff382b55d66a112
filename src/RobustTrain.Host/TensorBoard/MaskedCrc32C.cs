using System.Buffers.Binary;
using System.Numerics;

namespace RobustTrain.Host.TensorBoard;

/// <summary>The checksum of TensorFlow's record format: CRC-32C, rotated and offset so that a checksum of checksums stays good.</summary>
internal static class MaskedCrc32C
{
    private const uint MaskDelta = 0xa282ead8;

    /// <summary>The masked checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~Crc(bytes);
        return BitOperations.RotateRight(crc, 15) + MaskDelta;
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte value in bytes)
            crc = BitOperations.Crc32C(crc, value);
        return crc;
    }
}
