using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace RobustTrain.Runs.Configuration.Schema;

/// <summary>
/// Every key of the configuration, read once from the properties of the records and their attributes, so that reading, checking,
/// writing and documenting can't disagree.
/// </summary>
public static class ConfigurationSchema
{
    /// <summary>The keys of <see cref="TrainingConfig"/>.</summary>
    public static ConfigurationSection Root { get; } = SectionOf(typeof(TrainingConfig), "");

    /// <summary>Every key that holds a value, in order of documentation.</summary>
    public static IEnumerable<ConfigurationKey> Values => ValuesOf(Root);

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

    private static IEnumerable<ConfigurationKey> ValuesOf(ConfigurationSection section) =>
        section.Keys.SelectMany(key => key.Section is null ? [key] : ValuesOf(key.Section));

    private static ConfigurationSection SectionOf(Type record, string path)
    {
        object defaults = Activator.CreateInstance(record)!;
        return new ConfigurationSection
        {
            Path = path,
            RecordType = record,
            Keys = [.. record.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.CanWrite)
                .Select(property => KeyOf(property, path, property.GetValue(defaults)))],
        };
    }

    private static ConfigurationKey KeyOf(PropertyInfo property, string sectionPath, object? defaultValue)
    {
        string name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
        string path = sectionPath.Length == 0 ? name : $"{sectionPath}.{name}";
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        bool isList = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>);
        bool isMap = type == typeof(IReadOnlyDictionary<string, IReadOnlyList<string>>);
        ConfigurationKind kind = isMap ? ConfigurationKind.Text : KindOf(isList ? type.GetGenericArguments()[0] : type, property);
        RangeAttribute? range = property.GetCustomAttribute<RangeAttribute>();
        RegularExpressionAttribute? pattern = property.GetCustomAttribute<RegularExpressionAttribute>();
        return new ConfigurationKey
        {
            Name = name,
            Path = path,
            Property = property,
            Description = property.GetCustomAttribute<DescriptionAttribute>()?.Description
                ?? throw new InvalidOperationException($"The configuration key '{path}' has no description."),
            Aliases = [.. property.GetCustomAttributes<ConfigurationAliasAttribute>().Select(alias => alias.Name)],
            Kind = kind,
            IsList = isList,
            IsMap = isMap,
            IsNullable = new NullabilityInfoContext().Create(property).ReadState == NullabilityState.Nullable,
            NullText = property.GetCustomAttribute<ConfigurationNullTextAttribute>()?.Text ?? "null",
            ForeignNames = property.GetCustomAttributes<ConfigurationForeignNameAttribute>().ToDictionary(foreign => foreign.Name, foreign => foreign.Difference),
            IsRequired = property.GetCustomAttribute<RequiredAttribute>() is not null,
            IsPath = property.GetCustomAttribute<ConfigurationPathAttribute>() is not null,
            IsFreeOnResume = property.GetCustomAttribute<FreeOnResumeAttribute>() is not null,
            Minimum = range is null ? null : Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture),
            Maximum = range is null ? null : Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture),
            ItemCount = property.GetCustomAttribute<LengthAttribute>()?.MinimumLength,
            AllowedValues = property.GetCustomAttribute<AllowedValuesAttribute>()?.Values.Select(value => (string)value!).ToArray(),
            Pattern = pattern?.Pattern,
            PatternText = pattern is null ? null : pattern.ErrorMessage
                ?? throw new InvalidOperationException($"The configuration key '{path}' does not say in words what '{pattern.Pattern}' asks for."),
            Default = kind == ConfigurationKind.Section ? null : defaultValue,
            Section = kind == ConfigurationKind.Section ? SectionOf(type, path) : null,
        };
    }

    private static ConfigurationKind KindOf(Type type, PropertyInfo property) => type switch
    {
        _ when type == typeof(string) => ConfigurationKind.Text,
        _ when type == typeof(bool) => ConfigurationKind.Boolean,
        _ when type == typeof(int) || type == typeof(long) => ConfigurationKind.Integer,
        _ when type == typeof(double) => ConfigurationKind.Number,
        _ when type.IsClass && type.Namespace == typeof(TrainingConfig).Namespace => ConfigurationKind.Section,
        _ => throw new InvalidOperationException($"The configuration can't hold the type {type} of {property.DeclaringType}.{property.Name}."),
    };
}
