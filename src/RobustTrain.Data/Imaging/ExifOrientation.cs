using System.Buffers.Binary;

namespace RobustTrain.Data.Imaging;

/// <summary>How an image is to be turned before it is shown (EXIF 2.3, tag 0x0112): cameras write it in place of turning the pixels.</summary>
internal static class ExifOrientation
{
    /// <summary>Upright: what counts where there is no tag, or one that can't be read, as viewers take it.</summary>
    public const int Upright = 1;

    private const int Tag = 0x0112;
    private const int ShortType = 3;
    private const int EntryBytes = 12;

    /// <summary>The orientation, 1 to 8, that a block of EXIF says.</summary>
    /// <param name="exif">The block, from its TIFF header on.</param>
    public static int Read(ReadOnlySpan<byte> exif)
    {
        bool isLittle = exif.StartsWith("II*\0"u8);
        if (exif.Length < 8 || !(isLittle || exif.StartsWith("MM\0*"u8)))
            return Upright;
        uint start = isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(exif[4..]) : BinaryPrimitives.ReadUInt32BigEndian(exif[4..]);
        if (start > exif.Length - 2)
            return Upright;
        int count = Number(exif[(int)start..], isLittle);
        ReadOnlySpan<byte> entries = exif[((int)start + 2)..];
        for (; count > 0 && entries.Length >= EntryBytes; count--, entries = entries[EntryBytes..])
        {
            if (Number(entries, isLittle) != Tag || Number(entries[2..], isLittle) != ShortType)
                continue;
            int value = Number(entries[8..], isLittle);
            return value is >= 1 and <= 8 ? value : Upright;
        }

        return Upright;
    }

    /// <summary>Turns an image as a viewer would.</summary>
    /// <param name="stored">The image as its file has it, in interleaved channels.</param>
    /// <param name="orientation">1 to 8.</param>
    /// <param name="shown">Takes the image as it is shown.</param>
    public static void Apply(ImageBuffer stored, int orientation, ImageBuffer shown)
    {
        (int width, int height) = (stored.Width, stored.Height);
        bool swaps = orientation >= 5;
        shown.SetSize(swaps ? height : width, swaps ? width : height, stored.Channels);
        // Where the first pixel shown stands, and the way from it to its right and to its lower neighbour.
        bool fromRight = orientation is 2 or 3 or 7 or 8;
        bool fromBottom = orientation is 3 or 4 or 6 or 7;
        int start = (fromBottom ? (height - 1) * width : 0) + (fromRight ? width - 1 : 0);
        int alongRow = fromRight ? -1 : 1;
        int alongColumn = fromBottom ? -width : width;
        (int columnStep, int rowStep) = swaps ? (alongColumn, alongRow) : (alongRow, alongColumn);
        ReadOnlySpan<byte> source = stored.Pixels;
        for (int y = 0; y < shown.Height; y++)
        {
            Span<byte> row = shown.Row(y);
            int from = start + (y * rowStep);
            if (stored.Channels == 1)
            {
                for (int x = 0; x < row.Length; x++, from += columnStep)
                    row[x] = source[from];
            }
            else
            {
                for (int x = 0; x < row.Length; x += 3, from += columnStep)
                    source.Slice(from * 3, 3).CopyTo(row[x..]);
            }
        }
    }

    private static int Number(ReadOnlySpan<byte> bytes, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);
}
