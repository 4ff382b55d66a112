using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RobustTrain.Data.Imaging;

/// <summary>Undoes the filters of a PNG's rows (PNG specification, 9): each byte was replaced by its difference from what its neighbours foretell.</summary>
internal static unsafe class PngFilter
{
    private const int None = 0;
    private const int Sub = 1;
    private const int Up = 2;
    private const int Average = 3;
    private const int Paeth = 4;

    /// <summary>Undoes a row's filter.</summary>
    /// <param name="filter">The filter's number.</param>
    /// <param name="source">The filtered row.</param>
    /// <param name="above">The row above, undone; zeros above the first.</param>
    /// <param name="target">Takes the row.</param>
    /// <param name="length">The bytes of a row.</param>
    /// <param name="pixelBytes">1 or 3.</param>
    /// <returns>Whether there is such a filter.</returns>
    public static bool Undo(int filter, byte* source, byte* above, byte* target, int length, int pixelBytes)
    {
        switch (filter)
        {
            case None:
                Buffer.MemoryCopy(source, target, length, length);
                return true;
            case Up:
                UndoUp(source, above, target, length);
                return true;
            case Sub or Average or Paeth when pixelBytes == 3 && Vector128.IsHardwareAccelerated:
                if (filter == Sub)
                    UndoSub3(source, target, length);
                else if (filter == Average)
                    UndoAverage3(source, above, target, length);
                else
                    UndoPaeth3(source, above, target, length);
                return true;
            case Sub or Average or Paeth:
                UndoBytes(filter, source, above, target, 0, length, pixelBytes);
                return true;
            default:
                return false;
        }
    }

    private static void UndoUp(byte* source, byte* above, byte* target, int length)
    {
        int place = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            for (; place + 16 <= length; place += 16)
                *(Vector128<byte>*)(target + place) = *(Vector128<byte>*)(source + place) + *(Vector128<byte>*)(above + place);
        }

        for (; place < length; place++)
            target[place] = (byte)(source[place] + above[place]);
    }

    // A pixel depends on the one to its left, so these go pixel by pixel, its three bytes at once. The fourth byte that they write
    // belongs to the next pixel, which comes next; the last pixel of a row is written byte by byte.
    private static void UndoSub3(byte* source, byte* target, int length)
    {
        Vector128<byte> left = default;
        int place = 0;
        for (; place < length - 3; place += 3)
        {
            left += Load(source + place);
            Store(target + place, left);
        }

        UndoBytes(Sub, source, source, target, place, length, 3);
    }

    private static void UndoAverage3(byte* source, byte* above, byte* target, int length)
    {
        Vector128<byte> left = default;
        int place = 0;
        for (; place < length - 3; place += 3)
        {
            Vector128<ushort> sum = Vector128.WidenLower(left) + Vector128.WidenLower(Load(above + place));
            left = Load(source + place) + Vector128.Narrow(sum >>> 1, default);
            Store(target + place, left);
        }

        UndoBytes(Average, source, above, target, place, length, 3);
    }

    private static void UndoPaeth3(byte* source, byte* above, byte* target, int length)
    {
        Vector128<short> left = default;
        Vector128<short> corner = default;
        Vector128<short> mask = Vector128.Create((short)0xFF);
        int place = 0;
        for (; place < length - 3; place += 3)
        {
            Vector128<short> up = Vector128.WidenLower(Load(above + place)).AsInt16();
            Vector128<short> value = Vector128.WidenLower(Load(source + place)).AsInt16();
            Vector128<short> fromLeft = up - corner;
            Vector128<short> fromUp = left - corner;
            Vector128<short> fromCorner = Vector128.Abs(fromLeft + fromUp);
            fromLeft = Vector128.Abs(fromLeft);
            fromUp = Vector128.Abs(fromUp);
            Vector128<short> least = Vector128.Min(fromCorner, Vector128.Min(fromLeft, fromUp));
            Vector128<short> nearest = Vector128.ConditionalSelect(
                Vector128.Equals(least, fromLeft),
                left,
                Vector128.ConditionalSelect(Vector128.Equals(least, fromUp), up, corner));
            left = (value + nearest) & mask;
            corner = up;
            Store(target + place, Vector128.Narrow(left.AsUInt16(), default));
        }

        UndoBytes(Paeth, source, above, target, place, length, 3);
    }

    private static void UndoBytes(int filter, byte* source, byte* above, byte* target, int from, int length, int pixelBytes)
    {
        for (int place = from; place < length; place++)
        {
            int left = place >= pixelBytes ? target[place - pixelBytes] : 0;
            int up = above[place];
            int foretold = filter switch
            {
                Sub => left,
                Average => (left + up) >> 1,
                _ => Nearest(left, up, place >= pixelBytes ? above[place - pixelBytes] : 0),
            };
            target[place] = (byte)(source[place] + foretold);
        }
    }

    private static int Nearest(int left, int up, int corner)
    {
        int fromLeft = Math.Abs(up - corner);
        int fromUp = Math.Abs(left - corner);
        int fromCorner = Math.Abs(left + up - corner - corner);
        if (fromLeft <= fromUp && fromLeft <= fromCorner)
            return left;
        return fromUp <= fromCorner ? up : corner;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Load(byte* place) => Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(place)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(byte* place, Vector128<byte> pixel) => Unsafe.WriteUnaligned(place, pixel.AsUInt32().ToScalar());
}
