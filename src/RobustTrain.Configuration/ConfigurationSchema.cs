using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;

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
            Settings = property.GetCustomAttribute<ConfigurationSettingsAttribute>(),
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

/// <summary>One key of the configuration: what it means and what it may be.</summary>
public sealed record ConfigurationKey
{
    /// <summary>The key's name in its section, in snake case.</summary>
    public required string Name { get; init; }

    /// <summary>The dotted name from the root, for example <c>optimizer.learning_rate</c>.</summary>
    public required string Path { get; init; }

    /// <summary>What it means, for people.</summary>
    public required string Description { get; init; }

    /// <summary>Other names under which it is accepted.</summary>
    public required IReadOnlyList<string> Aliases { get; init; }

    /// <summary>The kind of the value, or of each item of a list.</summary>
    public required ConfigurationKind Kind { get; init; }

    /// <summary>Whether the value is a list.</summary>
    public required bool IsList { get; init; }

    /// <summary>Whether the value is a mapping of names, which match <see cref="Pattern"/>, to lists of texts.</summary>
    public required bool IsMap { get; init; }

    /// <summary>Whether the texts of a mapping are settings of this configuration, <c>key=value</c>.</summary>
    public bool IsSettings => Settings is not null;

    /// <summary>Which keys such texts may set; null where they are no settings.</summary>
    public required ConfigurationSettingsAttribute? Settings { get; init; }

    /// <summary>Whether the value may be null.</summary>
    public required bool IsNullable { get; init; }

    /// <summary>How null is written: as <c>null</c>, or by a word of the key's own.</summary>
    public required string NullText { get; init; }

    /// <summary>Names of other systems that mean something else, with what to set instead.</summary>
    public required IReadOnlyDictionary<string, string> ForeignNames { get; init; }

    /// <summary>Whether the default is no valid value, so that one must be given.</summary>
    public required bool IsRequired { get; init; }

    /// <summary>Whether it names a file or a folder.</summary>
    public required bool IsPath { get; init; }

    /// <summary>Whether it may change when a run goes on.</summary>
    public required bool IsFreeOnResume { get; init; }

    /// <summary>The smallest number allowed.</summary>
    public double? Minimum { get; init; }

    /// <summary>The largest number allowed.</summary>
    public double? Maximum { get; init; }

    /// <summary>The number of items that a list must have.</summary>
    public int? ItemCount { get; init; }

    /// <summary>The texts allowed, or null for any; where there is a <see cref="Pattern"/> too, a text may match that instead.</summary>
    public IReadOnlyList<string>? AllowedValues { get; init; }

    /// <summary>The regular expression that the whole text must match, or null for any text.</summary>
    public string? Pattern { get; init; }

    /// <summary>What such a text must be, in words; given with every <see cref="Pattern"/>.</summary>
    public string? PatternText { get; init; }

    /// <summary>The value where none is given; null for a section too.</summary>
    public object? Default { get; init; }

    /// <summary>The keys of a section.</summary>
    public ConfigurationSection? Section { get; init; }

    /// <summary>The property of the record that holds it.</summary>
    public required PropertyInfo Property { get; init; }

    /// <summary>The type of the value as the configuration has it, without its null: seconds for a <see cref="TimeSpan"/>, a word for an enumeration.</summary>
    public Type ValueType => PropertyType.IsEnum ? typeof(string) : PropertyType == typeof(TimeSpan) ? typeof(double) : PropertyType;

    private Type PropertyType => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>The value that a record holds, as the configuration has it.</summary>
    public object? Get(object record) => Property.GetValue(record) switch
    {
        Enum value => WordOf(value.ToString()),
        TimeSpan time => time.TotalSeconds,
        var value => value,
    };

    /// <summary>Sets the value that a record holds, to one as the configuration has it.</summary>
    public void Set(object record, object? value) => Property.SetValue(record, value switch
    {
        string word when PropertyType.IsEnum => Enum.GetValues(PropertyType).Cast<object>().Single(known => WordOf(known.ToString()!) == word),
        double seconds when PropertyType == typeof(TimeSpan) => TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond)),
        _ => value,
    });

    /// <summary>How a name of the code is written in a configuration.</summary>
    internal static string WordOf(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
}

/// <summary>What a value of the configuration is.</summary>
public enum ConfigurationKind
{
    /// <summary>Keys of its own.</summary>
    Section,

    /// <summary>A text.</summary>
    Text,

    /// <summary>true or false.</summary>
    Boolean,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number.</summary>
    Number,
}
