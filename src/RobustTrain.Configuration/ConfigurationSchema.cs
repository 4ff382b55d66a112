using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace RobustTrain.Configuration;

/// <summary>
/// Every key of a configuration, read once from the properties of its records that have a <see cref="DescriptionAttribute"/>, so that reading,
/// checking, writing and documenting can't disagree.
/// </summary>
/// <typeparam name="T">The record at the root.</typeparam>
public static class ConfigurationSchema<T>
    where T : new()
{
    /// <summary>The keys of the root.</summary>
    public static ConfigurationSection Root { get; } = ConfigurationSection.Of(new T(), "");

    /// <summary>Every key that holds a value, in order of documentation.</summary>
    public static IEnumerable<ConfigurationKey> Values => Root.Values;

    /// <summary>The key of a dotted path, or null.</summary>
    public static ConfigurationKey? Find(string path)
    {
        ConfigurationKey? key = null;
        ConfigurationSection? section = Root;
        foreach (string name in path.Split('.'))
        {
            key = section?.Find(name);
            section = key?.Section;
        }

        return key;
    }
}

/// <summary>A mapping of the configuration and its keys.</summary>
public sealed class ConfigurationSection
{
    /// <summary>The dotted name from the root; empty for the root itself.</summary>
    public required string Path { get; init; }

    /// <summary>The keys, in the order in which they are documented and written.</summary>
    public required IReadOnlyList<ConfigurationKey> Keys { get; init; }

    /// <summary>The record that holds the section.</summary>
    public required Type RecordType { get; init; }

    /// <summary>Every key that holds a value, in here and below.</summary>
    internal IEnumerable<ConfigurationKey> Values => Keys.SelectMany(key => key.Section is null ? [key] : key.Section.Values);

    /// <summary>The key of a name or of an alias, in any letter case, or null.</summary>
    public ConfigurationKey? Find(string name) => Keys.FirstOrDefault(key =>
        key.Name.Equals(name, StringComparison.OrdinalIgnoreCase) || key.Aliases.Contains(name, StringComparer.OrdinalIgnoreCase));

    /// <summary>The section that a record is, whose values are the defaults.</summary>
    internal static ConfigurationSection Of(object record, string path) => new()
    {
        Path = path,
        RecordType = record.GetType(),
        Keys =
        [
            .. record.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.IsDefined(typeof(DescriptionAttribute)))
                .Select(property => KeyOf(property, path, record)),
        ],
    };

    private static ConfigurationKey KeyOf(PropertyInfo property, string sectionPath, object record)
    {
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        string name = ConfigurationKey.WordOf(property.Name) + (type == typeof(TimeSpan) ? "_seconds" : "");
        string path = sectionPath.Length == 0 ? name : $"{sectionPath}.{name}";
        bool isList = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>);
        bool isMap = type == typeof(IReadOnlyDictionary<string, IReadOnlyList<string>>);
        ConfigurationKind kind = isMap ? ConfigurationKind.Text : KindOf(isList ? type.GetGenericArguments()[0] : type, property);
        RangeAttribute? range = property.GetCustomAttribute<RangeAttribute>();
        RegularExpressionAttribute? pattern = property.GetCustomAttribute<RegularExpressionAttribute>();
        ConfigurationKey key = new()
        {
            Name = name,
            Path = path,
            Property = property,
            Description = property.GetCustomAttribute<DescriptionAttribute>()!.Description,
            Aliases = [.. property.GetCustomAttributes<ConfigurationAliasAttribute>().Select(alias => alias.Name)],
            Kind = kind,
            IsList = isList,
            IsMap = isMap,
            IsNullable = new NullabilityInfoContext().Create(property).ReadState == NullabilityState.Nullable,
            NullText = property.GetCustomAttribute<ConfigurationNullTextAttribute>()?.Text ?? "null",
            ForeignNames = property.GetCustomAttributes<ConfigurationForeignNameAttribute>().ToDictionary(foreign => foreign.Name, foreign => foreign.Difference),
            IsRequired = property.IsDefined(typeof(RequiredAttribute)),
            IsPath = property.IsDefined(typeof(ConfigurationPathAttribute)),
            IsFreeOnResume = property.IsDefined(typeof(FreeOnResumeAttribute)),
            Minimum = range is null ? null : Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture),
            Maximum = range is null ? null : Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture),
            ItemCount = property.GetCustomAttribute<LengthAttribute>()?.MinimumLength,
            AllowedValues = type.IsEnum
                ? [.. Enum.GetNames(type).Select(ConfigurationKey.WordOf)]
                : property.GetCustomAttribute<AllowedValuesAttribute>()?.Values.Select(value => (string)value!).ToArray(),
            Pattern = pattern?.Pattern,
            PatternText = pattern is null ? null : pattern.ErrorMessage
                ?? throw new InvalidOperationException($"The configuration key '{path}' does not say in words what '{pattern.Pattern}' asks for."),
        };
        return kind == ConfigurationKind.Section
            ? key with { Section = Of(property.GetValue(record)!, path) }
            : key with { Default = key.Get(record) };
    }

    private static ConfigurationKind KindOf(Type type, PropertyInfo property) => type switch
    {
        _ when type == typeof(string) || type.IsEnum => ConfigurationKind.Text,
        _ when type == typeof(bool) => ConfigurationKind.Boolean,
        _ when type == typeof(int) || type == typeof(long) => ConfigurationKind.Integer,
        _ when type == typeof(double) || type == typeof(TimeSpan) => ConfigurationKind.Number,
        _ when type.IsClass && !type.IsGenericType && type.GetConstructor(Type.EmptyTypes) is not null => ConfigurationKind.Section,
        _ => throw new InvalidOperationException($"The configuration can't hold the type {type} of {property.DeclaringType}.{property.Name}."),
    };
}
