namespace RobustTrain.Configuration;

/// <summary>Another name under which a key is accepted, in snake case.</summary>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class ConfigurationAliasAttribute(string name) : Attribute
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;
}

/// <summary>A name under which another system has something near this key that means something else, so that it is no alias.</summary>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class ConfigurationForeignNameAttribute(string name, string difference) : Attribute
{
    /// <summary>The other system's name, in snake case.</summary>
    public string Name { get; } = name;

    /// <summary>What to set here instead, and how it differs, for people.</summary>
    public string Difference { get; } = difference;
}

/// <summary>The word that a key has in place of YAML's null, for what its absence means.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ConfigurationNullTextAttribute(string text) : Attribute
{
    /// <summary>The word.</summary>
    public string Text { get; } = text;
}

/// <summary>Marks a text that names a file or a folder; a relative one starts at the current directory.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ConfigurationPathAttribute : Attribute;

/// <summary>
/// Marks a mapping of names to settings of the same configuration, <c>key=value</c>. A file may write them as sections and keys; they are read
/// as the keys themselves are, and kept with their full names and paths.
/// </summary>
/// <param name="keys">The keys that may be set: dotted names, or a section with a dot at its end for all of its keys.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ConfigurationSettingsAttribute(params string[] keys) : Attribute
{
    /// <summary>The keys that may be set.</summary>
    public IReadOnlyList<string> Keys { get; } = keys;

    /// <summary>Those of these sections that may not.</summary>
    public string[] Except { get; init; } = [];

    /// <summary>Whether a key may be set.</summary>
    /// <param name="path">Its dotted name.</param>
    public bool Allows(string path) => !Except.Contains(path) && Keys.Any(key => key.EndsWith('.') ? path.StartsWith(key, StringComparison.Ordinal) : path == key);
}

/// <summary>
/// Marks a key that may change when a run goes on: no bit of what a finished run leaves depends on it, or only where the run would have failed
/// without the change.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class FreeOnResumeAttribute : Attribute;
