using System.Reflection;

namespace RobustTrain.Cmdlets.Words;

/// <summary>Says which key of the configuration a parameter sets.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ConfigurationKeyAttribute(string path) : Attribute
{
    /// <summary>The key's dotted name.</summary>
    public string Path { get; } = path;

    /// <summary>The keys that the parameters of the module's cmdlets set, by the parameters' names in any letter case.</summary>
    public static IReadOnlyDictionary<string, string> OfParameters { get; } = typeof(ConfigurationKeyAttribute).Assembly.GetExportedTypes()
        .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
        .Select(property => (property.Name, Key: property.GetCustomAttribute<ConfigurationKeyAttribute>()?.Path))
        .Where(parameter => parameter.Key is not null)
        .DistinctBy(parameter => parameter.Name)
        .ToDictionary(parameter => parameter.Name, parameter => parameter.Key!, StringComparer.OrdinalIgnoreCase);
}
