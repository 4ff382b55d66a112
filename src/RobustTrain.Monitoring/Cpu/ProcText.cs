using System.Buffers.Text;

namespace RobustTrain.Monitoring.Cpu;

/// <summary>Reads the texts of <c>/proc</c>, of this host or of another, without allocating.</summary>
internal static class ProcText
{
    /// <summary>The next line, without its end; moves on behind it. False at the end.</summary>
    public static bool NextLine(ref ReadOnlySpan<byte> text, out ReadOnlySpan<byte> line)
    {
        if (text.IsEmpty)
        {
            line = default;
            return false;
        }

        int end = text.IndexOf((byte)'\n');
        line = end < 0 ? text : text[..end];
        text = end < 0 ? default : text[(end + 1)..];
        return true;
    }

    /// <summary>The next word; moves on behind it. Empty at the end.</summary>
    public static ReadOnlySpan<byte> NextWord(ref ReadOnlySpan<byte> line)
    {
        line = line.TrimStart(" \t"u8);
        int end = line.IndexOfAny((byte)' ', (byte)'\t');
        ReadOnlySpan<byte> word = end < 0 ? line : line[..end];
        line = end < 0 ? default : line[end..];
        return word;
    }

    /// <summary>The next word as a number; null where it is none.</summary>
    public static ulong? NextNumber(ref ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> word = NextWord(ref line);
        return Utf8Parser.TryParse(word, out ulong value, out int used) && used == word.Length ? value : null;
    }

    /// <summary>A decimal number; null where it is none.</summary>
    public static double? Decimal(ReadOnlySpan<byte> word) =>
        Utf8Parser.TryParse(word, out double value, out int used) && used == word.Length ? value : null;
}
