using System.Reflection;

namespace RobustTrain.Runs.Configuration.Schema;

/// <summary>One key of the configuration: what it means and what it may be.</summary>
public sealed class ConfigurationKey
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
    public required object? Default { get; init; }

    /// <summary>The keys of a section.</summary>
    public ConfigurationSection? Section { get; init; }

    /// <summary>The property of the record that holds it.</summary>
    public required PropertyInfo Property { get; init; }
}
