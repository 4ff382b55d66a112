namespace RobustTrain.Runs.Configuration.Schema;

/// <summary>A mapping of the configuration and its keys.</summary>
public sealed class ConfigurationSection
{
    /// <summary>The dotted name from the root; empty for the root itself.</summary>
    public required string Path { get; init; }

    /// <summary>The keys, in the order in which they are documented and written.</summary>
    public required IReadOnlyList<ConfigurationKey> Keys { get; init; }

    /// <summary>The record that holds the section.</summary>
    public required Type RecordType { get; init; }

    /// <summary>The key of a name or of an alias, in any letter case, or null.</summary>
    public ConfigurationKey? Find(string name) => Keys.FirstOrDefault(key =>
        key.Name.Equals(name, StringComparison.OrdinalIgnoreCase) || key.Aliases.Contains(name, StringComparer.OrdinalIgnoreCase));
}
