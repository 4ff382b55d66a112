namespace RobustTrain.Monitoring.Cpu;

/// <summary>What the files of control groups say, of this host or of another.</summary>
internal static class CgroupText
{
    // Version 1 writes the largest multiple of a page for "no limit"; nothing real comes near.
    private const ulong NoLimit = 1L << 60;

    /// <summary>A number of bytes or microseconds; null for "max", for -1 and for version 1's number without meaning.</summary>
    public static ulong? Number(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> line = text.TrimEnd((byte)'\n');
        return ProcText.NextNumber(ref line) is { } value and < NoLimit ? value : null;
    }

    /// <summary>The cores of version 2's <c>cpu.max</c>, "50000 100000" or "max 100000"; null for no limit.</summary>
    public static double? Cores(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> line = text.TrimEnd((byte)'\n');
        ulong? quota = ProcText.NextNumber(ref line);
        return Cores(quota, ProcText.NextNumber(ref line));
    }

    /// <summary>The cores that a quota in each period makes; null for no limit.</summary>
    public static double? Cores(ulong? quota, ulong? period) => quota > 0 && period > 0 ? (double)quota / period : null;

    /// <summary>The stricter of two limits, of which either may be none.</summary>
    public static T? Least<T>(T? one, T? other)
        where T : struct, IComparable<T> => one is null ? other : other is null || one.Value.CompareTo(other.Value) <= 0 ? one : other;
}
