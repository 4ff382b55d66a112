using System.Reflection;
using System.Text.Json;

namespace RobustTrain.Configuration;

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
