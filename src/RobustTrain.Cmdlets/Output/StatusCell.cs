using System.Globalization;
using System.Text;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Cmdlets.Output;

/// <summary>
/// Cells of the table views: values with units, bars, and colour by urgency. PowerShell takes the colours out again where the output is no
/// terminal, or where <c>$PSStyle.OutputRendering</c> says so.
/// </summary>
public static class StatusCell
{
    private const int BarWidth = 5;
    private const string Reset = "\e[0m";
    private const string Dim = "\e[2m";
    private const string Green = "\e[32m";
    private const string Yellow = "\e[33m";
    private const string Red = "\e[31m";
    // As wide as its column.
    private const int NameWidth = 14;
    private const double Gibibyte = 1L << 30;

    // Windows' console has no font and no code page with the narrower ones.
    private static readonly string Blocks = OperatingSystem.IsWindows() ? " ▌█" : " ▏▎▍▌▋▊▉█";

    /// <summary>A share in percent as a bar and a number.</summary>
    public static string Percent(double? percent) =>
        percent is { } value ? Paint($"{Bar(value)} {Number(value, "0"),3}", Urgency(value)) : Unknown;

    /// <summary>A GPU's name without its maker's, which all of them share, cut to its column.</summary>
    public static string Name(string? name)
    {
        if (name is null)
            return Unknown;
        string own = name.StartsWith("NVIDIA ", StringComparison.Ordinal) ? name["NVIDIA ".Length..] : name;
        return own.Length <= NameWidth ? own : $"{own[..(NameWidth - 1)]}…";
    }

    /// <summary>Memory in use of all memory, in GiB.</summary>
    public static string Memory(double? used, double? total) =>
        used is { } part && total is > 0 and { } whole
            ? Paint(string.Create(CultureInfo.InvariantCulture, $"{part / Gibibyte:0.0}/{whole / Gibibyte:0.0}"), Urgency(part / whole * 100))
            : Unknown;

    /// <summary>A temperature in degrees Celsius, urgent where it comes near the one at which clocks are lowered.</summary>
    public static string Temperature(double? celsius, double? slowdown) => celsius is not { } value ? Unknown
        : Paint(Number(value, "0"), value >= (slowdown ?? 90) - 3 ? Red : value >= (slowdown ?? 90) - 12 ? Yellow : Green);

    /// <summary>Power of its limit, in watts.</summary>
    public static string Power(double? watts, double? limit) => watts is not { } value ? Unknown
        : limit is { } most ? $"{Number(value, "0")}/{Number(most, "0")}" : Number(value, "0");

    /// <summary>A plain number with a format; a dash where it is not known.</summary>
    public static string Value(double? value, string format) => value is { } known ? Number(known, format) : Unknown;

    /// <summary>Sentences, each on lines of its own that end between words; a word that is longer than a line stays whole.</summary>
    /// <param name="sentences">The sentences.</param>
    /// <param name="width">Columns of the window; 0 where the host has none.</param>
    public static string Sentences(string[]? sentences, int width)
    {
        const int usualWidth = 80;
        const string indent = "  ";
        int most = (width > 0 ? width : usualWidth) - 1;
        var text = new StringBuilder();
        foreach (string sentence in sentences ?? [])
        {
            int length = 0;
            foreach (string word in sentence.Split(' '))
            {
                if (length == 0 || length + 1 + word.Length <= most)
                {
                    text.Append(length == 0 ? "" : " ").Append(word);
                    length += word.Length + 1;
                }
                else
                {
                    text.AppendLine().Append(indent).Append(word);
                    length = indent.Length + word.Length;
                }
            }

            text.AppendLine();
        }

        return text.ToString().TrimEnd();
    }

    /// <summary>What is the matter with a GPU, in a few words.</summary>
    public static string Note(GpuStatus gpu)
    {
        if (Stale(gpu) is { } stale)
            return stale;

        var notes = new List<string>();
        if (gpu.LastXid is { } xid)
            notes.Add(Paint($"XID {xid}", Red));
        if (gpu.EccUncorrectedVolatile > 0)
            notes.Add(Paint($"ECC {gpu.EccUncorrectedVolatile}", Red));
        if (gpu.HasRemappingFailed == true)
            notes.Add(Paint("row remapping failed", Red));
        if (gpu.ThrottleReasons is { Length: > 0 } reasons && reasons != "Idle")
            notes.Add(Paint(reasons, reasons.Contains("Hw", StringComparison.Ordinal) ? Red : Yellow));
        if (gpu.MigDevices is { } mig)
            notes.Add($"MIG {mig.Count}");
        if (gpu.Processes is { Count: > 0 } processes)
            notes.Add(string.Join(", ", processes.Select(process => $"{process.User}:{process.ProcessId}")));
        return string.Join("; ", notes);
    }

    /// <summary>What is the matter with a CPU, in a few words.</summary>
    public static string Note(CpuStatus cpu)
    {
        if (Stale(cpu) is { } stale)
            return stale;

        var notes = new List<string>();
        if (cpu.MemoryFullPressurePercent >= 1)
            notes.Add(Paint($"memory pressure {Number(cpu.MemoryFullPressurePercent.Value, "0")} %", Red));
        if (cpu.IoPressurePercent >= 10)
            notes.Add(Paint($"I/O pressure {Number(cpu.IoPressurePercent.Value, "0")} %", Yellow));
        if (cpu.CgroupCpuLimitCores is { } cores)
            notes.Add($"limit {Number(cores, "0.##")} cores");
        if (cpu.CgroupMemoryLimitBytes is { } bytes)
            notes.Add($"limit {Number(bytes / Gibibyte, "0.#")} GiB");
        return string.Join("; ", notes);
    }

    /// <summary>Raised in red, cleared in green.</summary>
    public static string Alert(string state) => Paint(state, state == "Raised" ? Red : Green);

    private static string Unknown => Paint("-", Dim);

    private static string? Stale(StatusRecord status) => status.IsConnected ? null
        : Paint(status.StaleSince is { } since ? $"stale since {since.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture)}: {status.Error}" : status.Error ?? "stale", Red);

    private static string Urgency(double percent) => percent >= 90 ? Red : percent >= 60 ? Yellow : Green;

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Paint(string text, string colour) => $"{colour}{text}{Reset}";

    private static string Bar(double percent)
    {
        int steps = Blocks.Length - 1;
        int filled = (int)Math.Round(Math.Clamp(percent, 0, 100) / 100 * BarWidth * steps);
        var bar = new StringBuilder(BarWidth);
        for (int cell = 0; cell < BarWidth; cell++)
            bar.Append(Blocks[Math.Clamp(filled - (cell * steps), 0, steps)]);

        return bar.ToString();
    }
}

/// <summary>Cells of the tables of trainings: numbers that fit their columns whatever their size, since a number that is cut is another number.</summary>
public static class TrainingCell
{
    /// <summary>The width for which <see cref="Number"/> writes.</summary>
    public const int NumberWidth = 9;

    /// <summary>A number with some decimals; with fewer, or as 1.234E+12, where it would not fit.</summary>
    public static string Number(double? value, int decimals)
    {
        if (value is not { } number)
            return "";

        string[] spellings = [.. Enumerable.Range(0, decimals + 1).Reverse().Select(places => number.ToString($"F{places}", CultureInfo.InvariantCulture))];
        // A small number that decimals round to 0 would read as none.
        bool isTiny = number != 0 && Math.Abs(number) < Math.Pow(10, -decimals);
        return isTiny ? Scientific(number) : spellings.FirstOrDefault(text => text.Length <= NumberWidth) ?? Scientific(number);
    }

    /// <summary>Seconds as 12.3 s, from 1000 s on as hours, minutes and seconds.</summary>
    public static string Duration(double seconds)
    {
        if (seconds < 1000)
            return string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s");

        long whole = (long)Math.Round(seconds);
        return string.Create(CultureInfo.InvariantCulture, $"{whole / 3600}:{whole / 60 % 60:00}:{whole % 60:00}");
    }

    /// <summary>Hours of GPUs, else of the CPU, as GPU 1.25 h; nothing where neither is known.</summary>
    public static string Hours(double? gpuHours, double? cpuHours) => (gpuHours ?? cpuHours) is { } hours
        ? string.Create(CultureInfo.InvariantCulture, $"{(gpuHours is null ? "CPU" : "GPU")} {(hours < 9.995 ? hours.ToString("F2", CultureInfo.InvariantCulture) : hours < 999.95 ? hours.ToString("F1", CultureInfo.InvariantCulture) : hours.ToString("F0", CultureInfo.InvariantCulture))} h")
        : "";

    /// <summary>A name of at most so many letters, cut on the right.</summary>
    public static string Name(string name, int width) => name.Length <= width ? name : name[..(width - 1)] + '…';

    /// <summary>Two scores of an object, the one that decides first, as PsnrY 28.1234  SsimY 0.8123.</summary>
    /// <param name="scores">The scores.</param>
    /// <param name="bestMetric">The one that decides.</param>
    public static string Scores(NamedScores scores, string bestMetric) => string.Join(
        "  ",
        scores.OrderByDescending(score => score.Key == bestMetric).Take(2).Select(score => $"{ScoreProperties.PropertyName(score.Key)} {Number(score.Value, 4)}"));

    /// <summary>A score's name as PowerShell names things: PsnrY for psnr_y.</summary>
    public static string Score(string name) => ScoreProperties.PropertyName(name);

    private static string Scientific(double number) => number.ToString("0.##E+0", CultureInfo.InvariantCulture);
}
