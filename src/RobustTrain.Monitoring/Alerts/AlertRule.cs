using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Alerts;

/// <summary>
/// A limit on one property: <c>TemperatureCelsius &gt; 85 for 30s</c>, <c>MemoryFreeBytes &lt; 1GB</c>,
/// <c>UtilizationPercent &lt; 20 for 2m clear 50</c>, <c>IsConnected &lt; 1 for 10s</c>.
/// It is raised when the value has been beyond the limit for the whole time, and cleared when it has been back behind the clearing
/// value (the limit itself, unless another is given) for as long.
/// </summary>
public sealed partial record AlertRule
{
    private AlertRule()
    {
    }

    /// <summary>The properties that rules can watch.</summary>
    public static IEnumerable<string> Properties => AlertProperties.Names;

    /// <summary>The rule as it was written.</summary>
    public required string Text { get; init; }

    /// <summary>The property of the GPU or CPU status that it watches.</summary>
    public required string Property { get; init; }

    /// <summary><c>&gt;</c>, <c>&gt;=</c>, <c>&lt;</c> or <c>&lt;=</c>.</summary>
    public required string Comparison { get; init; }

    /// <summary>The limit.</summary>
    public double Threshold { get; private init; }

    /// <summary>How long the value must be beyond the limit, or back.</summary>
    public TimeSpan Duration { get; private init; }

    /// <summary>The value behind which it counts as back.</summary>
    public double Clear { get; private init; }

    /// <summary>Reads a rule. PowerShell calls this for text that is given where a rule is expected.</summary>
    /// <exception cref="FormatException">The text is no rule; the message says what is wrong with it.</exception>
    public static AlertRule Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Match match = Grammar().Match(text);
        if (!match.Success)
            throw new FormatException($"'{text}' is no alert rule; expected for example 'TemperatureCelsius > 85 for 30s' or 'MemoryFreeBytes < 1GB for 10s clear 2GB'.");
        string name = match.Groups["property"].Value;
        string property = AlertProperties.Canonical(name)
            ?? throw new FormatException($"'{text}' watches '{name}', but no GPU or CPU status has a number of that name.{NearestName.Hint(name, AlertProperties.Names)}");
        string comparison = match.Groups["comparison"].Value;
        double threshold = Number(match.Groups["threshold"], match.Groups["unit"]);
        TimeSpan duration = match.Groups["duration"].Success ? Time(match.Groups["duration"], match.Groups["timeunit"]) : TimeSpan.Zero;
        double clear = match.Groups["clear"].Success ? Number(match.Groups["clear"], match.Groups["clearunit"]) : threshold;
        if (comparison[0] == '>' ? clear > threshold : clear < threshold)
            throw new FormatException($"'{text}' would be cleared while it is still raised: the clearing value must lie on the other side of the limit.");
        return new AlertRule { Text = text, Property = property, Comparison = comparison, Threshold = threshold, Duration = duration, Clear = clear };
    }

    /// <summary>The kinds of status that have its property.</summary>
    public MonitorKinds Kinds => AlertProperties.KindsWith(Property);

    /// <summary>Whether a value is beyond the limit.</summary>
    public bool IsBeyond(double value) => Comparison switch
    {
        ">" => value > Threshold,
        ">=" => value >= Threshold,
        "<" => value < Threshold,
        _ => value <= Threshold,
    };

    /// <summary>Whether a value is back behind the clearing value.</summary>
    public bool IsBack(double value) => !IsBeyond(value) && (Comparison[0] == '>' ? value <= Clear : value >= Clear);

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static double Number(Group number, Group unit) => double.Parse(number.ValueSpan, CultureInfo.InvariantCulture) * unit.Value.ToUpperInvariant() switch
    {
        "KB" => 1L << 10,
        "MB" => 1L << 20,
        "GB" => 1L << 30,
        "TB" => 1L << 40,
        _ => 1,
    };

    private static TimeSpan Time(Group number, Group unit) => double.Parse(number.ValueSpan, CultureInfo.InvariantCulture) * unit.Value.ToLowerInvariant() switch
    {
        "ms" => TimeSpan.FromMilliseconds(1),
        "m" or "min" => TimeSpan.FromMinutes(1),
        "h" => TimeSpan.FromHours(1),
        _ => TimeSpan.FromSeconds(1),
    };

    [GeneratedRegex(
        @"^\s*(?<property>[A-Za-z][A-Za-z0-9]*)\s*(?<comparison>>=|<=|>|<)\s*(?<threshold>-?\d+(\.\d+)?)\s*(?<unit>%|C|W|KB|MB|GB|TB)?(\s+for\s+(?<duration>\d+(\.\d+)?)\s*(?<timeunit>ms|s|m|min|h)?)?(\s+clear\s+(?<clear>-?\d+(\.\d+)?)\s*(?<clearunit>%|C|W|KB|MB|GB|TB)?)?\s*$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Grammar();
}

/// <summary>The properties that rules can watch: numbers, and truths as 1 and 0.</summary>
internal static class AlertProperties
{
    private static readonly Dictionary<string, Func<StatusRecord, double?>> Gpu = Find<GpuStatus>();
    private static readonly Dictionary<string, Func<StatusRecord, double?>> Cpu = Find<CpuStatus>();

    /// <summary>All names.</summary>
    public static IEnumerable<string> Names => Gpu.Keys.Union(Cpu.Keys, StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase);

    /// <summary>The name as it is written in the type; null where neither type has it.</summary>
    public static string? Canonical(string name) => Names.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The kinds of status that have a property.</summary>
    public static MonitorKinds KindsWith(string property) =>
        (Gpu.ContainsKey(property) ? MonitorKinds.Gpu : 0) | (Cpu.ContainsKey(property) ? MonitorKinds.Cpu : 0);

    /// <summary>The value of a status' property; null where the status does not have it or does not know it.</summary>
    public static double? Read(StatusRecord status, string property) =>
        (status is GpuStatus ? Gpu : Cpu).TryGetValue(property, out Func<StatusRecord, double?>? read) ? read(status) : null;

    private static Dictionary<string, Func<StatusRecord, double?>> Find<T>()
        where T : StatusRecord
    {
        var found = new Dictionary<string, Func<StatusRecord, double?>>(StringComparer.OrdinalIgnoreCase);
        foreach (PropertyInfo property in typeof(T).GetProperties())
        {
            Type type = property.PropertyType;
            Func<StatusRecord, double?>? read =
                type == typeof(int?) ? Reader<T, int?>(property, value => value)
                : type == typeof(long?) ? Reader<T, long?>(property, value => value)
                : type == typeof(double?) ? Reader<T, double?>(property, value => value)
                : type == typeof(bool?) ? Reader<T, bool?>(property, value => value is null ? null : value.Value ? 1 : 0)
                : type == typeof(bool) ? Reader<T, bool>(property, value => value ? 1 : 0)
                : null;
            if (read is not null)
                found[property.Name] = read;
        }

        return found;
    }

    private static Func<StatusRecord, double?> Reader<T, TValue>(PropertyInfo property, Func<TValue, double?> convert)
        where T : StatusRecord
    {
        Func<T, TValue> get = property.GetMethod!.CreateDelegate<Func<T, TValue>>();
        return status => convert(get((T)status));
    }
}
