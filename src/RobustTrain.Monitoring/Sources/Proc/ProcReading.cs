using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Proc;

/// <summary>
/// What the files of <c>/proc</c> say at one time. Takes their texts line by line, from this host's files or from another's output, and makes
/// a status of them. Kept from sample to sample, for shares of time are differences.
/// </summary>
/// <param name="includeCores">Whether the cores are told one by one.</param>
internal sealed class ProcReading(bool includeCores)
{
    private readonly List<CpuTimes> _cores = [];
    private readonly List<CpuTimes> _coresBefore = [];
    private CpuTimes? _all, _allBefore;
    private int _coreCount;
    private ulong? _memoryTotal, _memoryAvailable, _memoryFree, _buffers, _cached, _swapTotal, _swapFree;
    private double? _load1, _load5, _load15;
    private int? _runnable, _tasks;
    private double? _cpuSome, _memorySome, _memoryFull, _ioSome, _ioFull;

    /// <summary>Forgets the values of the sample before, but for the times.</summary>
    public void Begin()
    {
        _allBefore = _all ?? _allBefore;
        _all = null;
        if (_coreCount > 0)
        {
            _coresBefore.Clear();
            _coresBefore.AddRange(_cores);
        }

        _cores.Clear();
        _coreCount = 0;
        _memoryTotal = _memoryAvailable = _memoryFree = _buffers = _cached = _swapTotal = _swapFree = null;
        _load1 = _load5 = _load15 = null;
        _runnable = _tasks = null;
        _cpuSome = _memorySome = _memoryFull = _ioSome = _ioFull = null;
    }

    /// <summary>Takes <c>/proc/stat</c>.</summary>
    public void Stat(ReadOnlySpan<byte> text)
    {
        while (ProcText.NextLine(ref text, out ReadOnlySpan<byte> line))
        {
            if (!line.StartsWith("cpu"u8))
                break;
            bool isTotal = line.Length > 3 && line[3] == (byte)' ';
            if (!isTotal)
                _coreCount++;
            if (!isTotal && !includeCores)
                continue;
            ProcText.NextWord(ref line);
            ulong user = Number(ref line), nice = Number(ref line), system = Number(ref line), idle = Number(ref line);
            ulong ioWait = Number(ref line), interrupts = Number(ref line), softInterrupts = Number(ref line), steal = Number(ref line);
            var times = new CpuTimes(user + nice, system + interrupts + softInterrupts, idle, ioWait, steal);
            if (isTotal)
                _all = times;
            else
                _cores.Add(times);
        }
    }

    /// <summary>Takes <c>/proc/loadavg</c>.</summary>
    public void LoadAverage(ReadOnlySpan<byte> text)
    {
        if (!ProcText.NextLine(ref text, out ReadOnlySpan<byte> line))
            return;
        _load1 = ProcText.Decimal(ProcText.NextWord(ref line));
        _load5 = ProcText.Decimal(ProcText.NextWord(ref line));
        _load15 = ProcText.Decimal(ProcText.NextWord(ref line));
        ReadOnlySpan<byte> counts = ProcText.NextWord(ref line);
        int slash = counts.IndexOf((byte)'/');
        if (slash > 0)
        {
            _runnable = (int?)ProcText.Decimal(counts[..slash]);
            _tasks = (int?)ProcText.Decimal(counts[(slash + 1)..]);
        }
    }

    /// <summary>Takes <c>/proc/meminfo</c>.</summary>
    public void Memory(ReadOnlySpan<byte> text)
    {
        while (ProcText.NextLine(ref text, out ReadOnlySpan<byte> line))
        {
            ReadOnlySpan<byte> name = ProcText.NextWord(ref line);
            if (name.SequenceEqual("MemTotal:"u8))
                _memoryTotal = ProcText.NextNumber(ref line) * 1024;
            else if (name.SequenceEqual("MemFree:"u8))
                _memoryFree = ProcText.NextNumber(ref line) * 1024;
            else if (name.SequenceEqual("MemAvailable:"u8))
                _memoryAvailable = ProcText.NextNumber(ref line) * 1024;
            else if (name.SequenceEqual("Buffers:"u8))
                _buffers = ProcText.NextNumber(ref line) * 1024;
            else if (name.SequenceEqual("Cached:"u8))
                _cached = ProcText.NextNumber(ref line) * 1024;
            else if (name.SequenceEqual("SwapTotal:"u8))
                _swapTotal = ProcText.NextNumber(ref line) * 1024;
            else if (name.SequenceEqual("SwapFree:"u8))
                _swapFree = ProcText.NextNumber(ref line) * 1024;
            else
                continue;

            if (_swapFree is not null)
                break;
        }
    }

    /// <summary>Takes <c>/proc/pressure/cpu</c>.</summary>
    public void CpuPressure(ReadOnlySpan<byte> text) => (_cpuSome, _) = Pressure(text);

    /// <summary>Takes <c>/proc/pressure/memory</c>.</summary>
    public void MemoryPressure(ReadOnlySpan<byte> text) => (_memorySome, _memoryFull) = Pressure(text);

    /// <summary>Takes <c>/proc/pressure/io</c>.</summary>
    public void IoPressure(ReadOnlySpan<byte> text) => (_ioSome, _ioFull) = Pressure(text);

    /// <summary>The status of what was taken since <see cref="Begin"/>.</summary>
    public CpuStatus ToStatus(string computerName, DateTimeOffset now)
    {
        CpuShares? shares = _all is { } times && _allBefore is { } before ? times.Since(before) : null;

        // Kernels before 3.14 do not tell what is available.
        ulong? available = _memoryAvailable ?? (_memoryFree + _buffers + _cached);
        return new CpuStatus
        {
            ComputerName = computerName,
            Time = now,
            LogicalCores = _coreCount > 0 ? _coreCount : null,
            UtilizationPercent = shares?.Utilization,
            UserPercent = shares?.User,
            SystemPercent = shares?.System,
            IoWaitPercent = shares?.IoWait,
            StealPercent = shares?.Steal,
            LoadAverage1 = _load1,
            LoadAverage5 = _load5,
            LoadAverage15 = _load15,
            RunnableTasks = _runnable,
            TotalTasks = _tasks,
            MemoryTotalBytes = (long?)_memoryTotal,
            MemoryAvailableBytes = (long?)available,
            MemoryUsedBytes = (long?)(_memoryTotal - available),
            SwapTotalBytes = (long?)_swapTotal,
            SwapUsedBytes = (long?)(_swapTotal - _swapFree),
            CpuPressurePercent = _cpuSome,
            MemoryPressurePercent = _memorySome,
            MemoryFullPressurePercent = _memoryFull,
            IoPressurePercent = _ioSome,
            IoFullPressurePercent = _ioFull,
            Cores = includeCores ? [.. _cores.Select((core, index) => new CoreStatus(index, index < _coresBefore.Count ? core.Since(_coresBefore[index])?.Utilization : null))] : null,
        };
    }

    private static ulong Number(ref ReadOnlySpan<byte> line) => ProcText.NextNumber(ref line) ?? 0;

    private static (double? Some, double? Full) Pressure(ReadOnlySpan<byte> text)
    {
        double? some = null, full = null;
        while (ProcText.NextLine(ref text, out ReadOnlySpan<byte> line))
        {
            ReadOnlySpan<byte> kind = ProcText.NextWord(ref line);
            ReadOnlySpan<byte> tenSeconds = ProcText.NextWord(ref line);
            if (!tenSeconds.StartsWith("avg10="u8))
                continue;
            double? value = ProcText.Decimal(tenSeconds["avg10="u8.Length..]);
            if (kind.SequenceEqual("some"u8))
                some = value;
            else if (kind.SequenceEqual("full"u8))
                full = value;
        }

        return (some, full);
    }
}

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

    /// <summary>The next word as a number; null where it is not a valid one.</summary>
    public static ulong? NextNumber(ref ReadOnlySpan<byte> line) => Whole(NextWord(ref line));

    /// <summary>A whole number; null where the word is not a valid one.</summary>
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

    /// <summary>A decimal number without sign and exponent, as the kernel writes them; null where the word is not a valid one.</summary>
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
