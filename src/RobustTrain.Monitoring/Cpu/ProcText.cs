namespace RobustTrain.Monitoring.Cpu;

/// <summary>Reads the texts of <c>/proc</c>, of this host or of another, without allocating.</summary>
/// <remarks>
/// By plain loops: the words are a few bytes long, so that the library's vectorised searches gain nothing, and each of these that gets hot is
/// compiled twice more in the background, which in a monitor's first minutes costs more than all the reading.
/// </remarks>
internal static class ProcText
{
    /// <summary>The next line, without its end; moves on behind it. False at the end.</summary>
    public static bool NextLine(ref ReadOnlySpan<byte> text, out ReadOnlySpan<byte> line)
    {
        if (text.Length == 0)
        {
            line = default;
            return false;
        }

        int end = 0;
        while (end < text.Length && text[end] != (byte)'\n')
            end++;

        line = text[..end];
        text = end == text.Length ? default : text[(end + 1)..];
        return true;
    }

    /// <summary>The next word; moves on behind it. Empty at the end.</summary>
    public static ReadOnlySpan<byte> NextWord(ref ReadOnlySpan<byte> line)
    {
        int start = 0;
        while (start < line.Length && line[start] is (byte)' ' or (byte)'\t')
            start++;

        int end = start;
        while (end < line.Length && line[end] is not ((byte)' ' or (byte)'\t'))
            end++;

        ReadOnlySpan<byte> word = line[start..end];
        line = line[end..];
        return word;
    }

    /// <summary>The next word as a number; null where it is none.</summary>
    public static ulong? NextNumber(ref ReadOnlySpan<byte> line) => Whole(NextWord(ref line));

    /// <summary>A whole number; null where the word is none.</summary>
    public static ulong? Whole(ReadOnlySpan<byte> word)
    {
        ulong value = 0;
        foreach (byte digit in word)
        {
            uint one = digit - (uint)'0';
            if (one > 9 || value > (ulong.MaxValue - one) / 10)
                return null;

            value = (value * 10) + one;
        }

        return word.Length == 0 ? null : value;
    }

    /// <summary>A decimal number without sign and exponent, as the kernel writes them; null where the word is none.</summary>
    public static double? Decimal(ReadOnlySpan<byte> word)
    {
        // Both parts are exact up to 2^53, and so their quotient is the nearest double.
        const double largest = 1L << 53;
        double digits = 0, scale = 1;
        bool hasPoint = false, hasDigit = false;
        foreach (byte letter in word)
        {
            if (letter == (byte)'.' && !hasPoint)
            {
                hasPoint = true;
                continue;
            }

            uint one = letter - (uint)'0';
            if (one > 9)
                return null;

            digits = (digits * 10) + one;
            scale = hasPoint ? scale * 10 : 1;
            hasDigit = true;
        }

        return hasDigit && digits < largest ? digits / scale : null;
    }
}
