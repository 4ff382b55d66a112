using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Loading;

/// <summary>How much memory a ring may take. Asking first matters: the kernel hands out more than there is, and kills somebody later.</summary>
public static class HostMemory
{
    /// <summary>The bytes that can be had without pushing anybody out, within this process's limit.</summary>
    public static long AvailableBytes()
    {
        long limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (!OperatingSystem.IsLinux())
            return limit;
        // By hand, since the framework's streams and readers take milliseconds to get going in a process that has used none yet.
        FileBytes file = new();
        file.Read("/proc/meminfo");
        ReadOnlySpan<byte> key = "MemAvailable:"u8;
        int place = file.Span.IndexOf(key);
        if (place < 0)
            return limit;
        long kibibytes = 0;
        foreach (byte letter in file.Span[(place + key.Length)..])
        {
            if (char.IsAsciiDigit((char)letter))
                kibibytes = (kibibytes * 10) + letter - '0';
            else if (letter != ' ')
                break;
        }

        return Math.Min(limit, kibibytes * 1024);
    }
}
