using System.Reflection;
using RobustTrain.Monitoring.Cpu;
using RobustTrain.Monitoring.Gpu;

namespace RobustTrain.Monitoring.Alerts;

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
